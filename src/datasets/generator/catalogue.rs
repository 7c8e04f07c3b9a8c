//! What generated orders contain: departments and categories in DataCo's vocabulary, products of invented makers.

/// A category of goods.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) id: u32,
    /// As written in the sheet; some keep the original's stray blanks.
    pub(super) name: &'static str,
    pub(super) department: Department,
    /// Order items per 1,000, roughly as in the original.
    pub(super) share: u32,
    /// Never empty; the first makes most of the sales.
    pub(super) products: &'static [Product],
}

/// A product. Image addresses are made from the name.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) id: u32,
    pub(super) name: &'static str,
    /// In cents.
    pub(super) cents: u32,
}

/// Index into [`DEPARTMENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Department {
    Fitness,
    Footwear,
    Apparel,
    Golf,
    Outdoors,
    FanShop,
    BookShop,
    DiscsShop,
    Technology,
    PetShop,
    Health,
}

/// Department id, name as written in the sheet, and the slippage that its goods add (bulky goods are slower to handle), in the units of `delay`.
pub(super) const DEPARTMENTS: [(u32, &str, f64); 11] = [
    (2, "Fitness", 0.5),
    (3, "Footwear", -0.3),
    (4, "Apparel", -0.4),
    (5, "Golf", 0.0),
    (6, "Outdoors", 0.5),
    (7, "Fan Shop", 0.4),
    (8, "Book Shop", -0.8),
    (9, "Discs Shop", -0.8),
    (10, "Technology", 0.2),
    (11, "Pet Shop", 0.0),
    (12, "Health and Beauty ", -0.2),
];

const fn p(id: u32, name: &'static str, cents: u32) -> Product {
    Product { id, name, cents }
}

const fn cat(id: u32, name: &'static str, department: Department, share: u32, products: &'static [Product]) -> Category {
    Category {
        id,
        name,
        department,
        share,
        products,
    }
}

/// All categories; shares add up to 1,000.
#[rustfmt::skip]
pub(super) const CATEGORIES: &[Category] = &[
    cat(2, "Soccer", Department::Fitness, 2, &[p(24, "Ostravel Breath Trainer Mask", 7999), p(19, "Velmar Match Ball Size 5", 2499)]),
    cat(3, "Baseball & Softball", Department::Fitness, 4, &[p(37, "Velmar Kids' Firm Ground Cleat", 3499), p(44, "Velmar Men's Firm Ground Cleat", 5999)]),
    cat(4, "Basketball", Department::Fitness, 1, &[p(61, "Quillon Mini Hoop Set", 3999)]),
    cat(5, "Lacrosse", Department::Fitness, 3, &[p(93, "Tarn Valley Men's Tech T-Shirt", 2499)]),
    cat(6, "Tennis & Racquet", Department::Fitness, 3, &[p(116, "Tarn Valley Men's Comfort Slide", 4499), p(109, "Quillon Graphite Racquet", 8999)]),
    cat(7, "Hockey", Department::Fitness, 5, &[p(134, "Noval Women's V-Neck T-Shirt", 2500), p(135, "Noval Crew Sock 6 Pack", 2200)]),
    cat(9, "Cardio Equipment", Department::Footwear, 68, &[p(191, "Noval Men's Lightstep Running Shoe", 9999), p(172, "Noval Women's Pace Shorts", 3000)]),
    cat(10, "Strength Training", Department::Footwear, 2, &[p(208, "Brakken Adjustable Dumbbell Pair", 19999)]),
    cat(11, "Fitness Accessories", Department::Footwear, 3, &[p(235, "Tarn Valley Storm Duffle Bag", 3499)]),
    cat(12, "Boxing & MMA", Department::Footwear, 3, &[p(249, "Tarn Valley Women's Studio Shoe", 5497)]),
    cat(13, "Electronics", Department::Footwear, 6, &[p(276, "Tarn Valley Women's Pool Slide", 3199), p(278, "Tarn Valley Men's Ankle Slide", 4499), p(273, "Tarn Valley Kids' Slide", 2799)]),
    cat(16, "As Seen on  TV!", Department::Footwear, 1, &[p(305, "Brakken Fold-Away Step", 9999)]),
    cat(17, "Cleats", Department::Apparel, 132, &[p(365, "Ostravel Balance Rip Board", 5999)]),
    cat(18, "Men's Footwear", Department::Apparel, 123, &[p(403, "Noval Men's Gridiron Cleat", 12999)]),
    cat(24, "Women's Apparel", Department::Golf, 116, &[p(502, "Noval Men's Dry Golf Polo", 5000)]),
    cat(26, "Girls' Apparel", Department::Golf, 7, &[p(572, "Mereth Boys' Team Jammer", 3999), p(565, "Velmar Youth Away Jersey", 7000), p(567, "Velmar Men's Away Tee", 2500)]),
    cat(29, "Shop By Sport", Department::Golf, 61, &[p(627, "Tarn Valley Girls' Toddler Running Shoe", 3999), p(642, "Kestrel Cove Men's Anchor T-Shirt", 3000)]),
    cat(30, "Men's Golf Clubs", Department::Outdoors, 2, &[p(666, "Kestrel Cove Men's Trail Running Shoe", 10999)]),
    cat(31, "Women's Golf Clubs", Department::Outdoors, 1, &[p(691, "Haldrake Women's Wedge", 12999)]),
    cat(32, "Golf Apparel", Department::Outdoors, 3, &[p(703, "Haldrake Women's XL Hybrid", 1999)]),
    cat(33, "Golf Shoes", Department::Outdoors, 3, &[p(728, "Liora Women's Sleeveless Golf Polo", 6500), p(725, "Liora Women's Golf Dress", 10800)]),
    cat(34, "Golf Bags & Carts", Department::Outdoors, 1, &[p(752, "Haldrake Stand Bag", 16999)]),
    cat(35, "Golf Gloves", Department::Outdoors, 6, &[p(775, "Rollgear Shoe Brush", 999), p(778, "Rollgear Beverage Holder", 2499), p(771, "Rollgear Cooler Bag", 3999)]),
    cat(36, "Golf Balls", Department::Outdoors, 8, &[p(810, "Gladwyn Women's Oval Golf Glove", 1999), p(804, "Gladwyn Women's Classic Golf Glove", 1999), p(792, "Hirsel Men's Hybrid Golf Glove", 1499), p(797, "Hirsel Women's Soft Golf Glove", 1799)]),
    cat(37, "Electronics", Department::Outdoors, 11, &[p(828, "Stonebrig Straight Distance Golf Balls Blue", 3199), p(825, "Stonebrig Straight Distance Golf Balls Red", 3199), p(821, "Pinnavel Tour High Number Golf Balls", 5199), p(818, "Pinnavel Tour Golf Balls", 4799)]),
    cat(38, "Kids' Golf Clubs", Department::Outdoors, 2, &[p(858, "Fairmark Range Finder Watch", 19999)]),
    cat(40, "Accessories", Department::Outdoors, 10, &[p(897, "Clubhouse Putter Grip Green", 2499), p(906, "Clubhouse Putter Grip Orange", 2499), p(886, "Clubhouse Putter Grip Red", 2499)]),
    cat(41, "Trade-In", Department::Outdoors, 5, &[p(926, "Gladwyn Classic Golf Towel", 1599), p(917, "Gladwyn Women's 3-Zip Carry All Golf Bag", 2199), p(924, "Gladwyn Brick Golf Towel", 1599)]),
    cat(43, "Camping & Hiking", Department::FanShop, 76, &[p(957, "Veldemar Women's Comfort Bike", 29998)]),
    cat(44, "Hunting & Shooting", Department::FanShop, 2, &[p(977, "Atlin Hammock Straps", 2999), p(981, "Kestrel Cove Women's Recon Backpack", 9900)]),
    cat(45, "Fishing", Department::FanShop, 96, &[p(1004, "Brook & Fen 16 Rod Fire Safe", 39998)]),
    cat(46, "Indoor/Outdoor Games", Department::FanShop, 103, &[p(1014, "O'Wyn Men's Neoprene Life Vest", 4998)]),
    cat(48, "Water Sports", Department::FanShop, 86, &[p(1073, "Puffinel Sunriver 100 Kayak", 19999), p(1059, "Puffinel Lagoon 12 Boat", 159999)]),
    cat(59, "Books ", Department::BookShop, 2, &[p(1345, "Illustrated Travel Atlas", 3299)]),
    cat(60, "Baby ", Department::Apparel, 1, &[p(1346, "Baby Sleep Sack", 2754)]),
    cat(61, "CDs ", Department::DiscsShop, 2, &[p(1347, "Chamber Music Collection", 1129)]),
    cat(62, "Cameras ", Department::Technology, 3, &[p(1348, "Optarin Digital Camera 24 MP", 45204)]),
    cat(63, "Children's Clothing", Department::Apparel, 4, &[p(1350, "Children's Rain Jacket", 3570)]),
    cat(64, "Computers", Department::Technology, 2, &[p(1351, "Ternary Desk Computer", 150000)]),
    cat(65, "Consumer Electronics", Department::Technology, 2, &[p(1352, "Ternary Wall Speaker", 25243)]),
    cat(66, "Crafts", Department::Apparel, 3, &[p(1353, "Quilting Starter Kit", 4610)]),
    cat(67, "DVDs", Department::DiscsShop, 3, &[p(1354, "Nature Film Collection", 1154)]),
    cat(68, "Garden", Department::Outdoors, 3, &[p(1355, "Folding Garden Bench", 53242)]),
    cat(69, "Health and Beauty", Department::Health, 2, &[p(1356, "Hand Cream Gift Set", 2845)]),
    cat(70, "Men's Clothing", Department::Apparel, 1, &[p(1357, "Men's Linen Shirt", 4320)]),
    cat(71, "Music", Department::DiscsShop, 2, &[p(1358, "Learner's Keyboard", 12999)]),
    cat(72, "Pet Supplies", Department::PetShop, 3, &[p(1359, "Dog Travel Carrier", 4138)]),
    cat(73, "Sporting Goods", Department::Fitness, 2, &[p(1360, "Rowing Machine Compact", 32775)]),
    cat(74, "Toys", Department::FanShop, 3, &[p(1361, "Wooden Train Set", 1123)]),
    cat(75, "Video Games", Department::DiscsShop, 3, &[p(1362, "Racing Video Game", 3975)]),
    cat(76, "Women's Clothing", Department::Apparel, 4, &[p(1363, "Summer Linen Dress", 2153)]),
];

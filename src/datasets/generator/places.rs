//! Where generated orders go: the markets and regions of DataCo's vocabulary, with countries, states and cities from general knowledge.
//!
//! Country and state names are in Spanish, as in the original sheets; every letter exists in latin-1. Region names keep the original's
//! stray blanks (`West of USA `, `South of  USA `), which a reader has to trim. Shares are round figures near the original's.

/// Index into [`MARKETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Market {
    Latam,
    Europe,
    PacificAsia,
    Usca,
    Africa,
}

/// Markets as written in the sheet, in the order of [`Market`].
pub(super) const MARKETS: [&str; 5] = ["LATAM", "Europe", "Pacific Asia", "USCA", "Africa"];

/// A sales region: where it is, how much is sold there, and how its carriers do.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) market: Market,
    /// As written in the sheet, blanks included.
    pub(super) name: &'static str,
    /// Orders per 1,000.
    pub(super) share: u32,
    /// Slippage that the region's ground carrier (Standard and Second Class) adds, in the units of `delay`.
    pub(super) ground: f64,
    /// The same for its express carrier (First Class and Same Day).
    pub(super) express: f64,
    pub(super) countries: &'static [Country],
}

/// A country of destination.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) name: &'static str,
    /// Weight within its region.
    pub(super) weight: u32,
    pub(super) cities: &'static [City],
}

/// A city of destination. Only the United States have a `zip`, as in the original; there it is the lowest of the city's range.
#[derive(Debug)]
pub(super) struct City {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: Option<u32>,
}

const fn at(name: &'static str, weight: u32, cities: &'static [City]) -> Country {
    Country { name, weight, cities }
}

const fn c(name: &'static str, state: &'static str) -> City {
    City { name, state, zip: None }
}

const fn us(name: &'static str, state: &'static str, zip: u32) -> City {
    City {
        name,
        state,
        zip: Some(zip),
    }
}

/// All regions; shares add up to 1,000.
#[rustfmt::skip]
pub(super) const REGIONS: &[Region] = &[
    Region { market: Market::Latam, name: "Central America", share: 75, ground: 0.9, express: 0.2, countries: &[
        at("México", 46, &[c("Mexico City", "Distrito Federal"), c("Monterrey", "Nuevo León"), c("Mérida", "Yucatán"), c("Querétaro", "Querétaro"),
            c("León", "Guanajuato"), c("Mazatlán", "Sinaloa"), c("Tuxtla Gutiérrez", "Chiapas"), c("Culiacán", "Sinaloa")]),
        at("Guatemala", 10, &[c("Guatemala City", "Guatemala"), c("Quetzaltenango", "Quetzaltenango"), c("Cobán", "Alta Verapaz")]),
        at("El Salvador", 14, &[c("San Salvador", "San Salvador"), c("Santa Ana", "Santa Ana"), c("Soyapango", "San Salvador")]),
        at("Honduras", 11, &[c("Tegucigalpa", "Francisco Morazán"), c("San Pedro Sula", "Cortés"), c("La Ceiba", "Atlántida")]),
        at("Nicaragua", 10, &[c("Managua", "Managua"), c("Estelí", "Estelí"), c("Masaya", "Masaya")]),
        at("Panamá", 6, &[c("Panama City", "Panamá"), c("Colón", "Colón"), c("David", "Chiriquí")]),
        at("Costa Rica", 3, &[c("San José", "San José"), c("Limón", "Limón")]),
    ] },
    Region { market: Market::Latam, name: "South America", share: 66, ground: 1.4, express: 0.4, countries: &[
        at("Brasil", 48, &[c("São Paulo", "São Paulo"), c("Rio de Janeiro", "Río de Janeiro"), c("Belém", "Pará"), c("Goiânia", "Goiás"),
            c("Florianópolis", "Santa Catarina"), c("Maceió", "Alagoas"), c("Curitiba", "Paraná")]),
        at("Argentina", 14, &[c("Buenos Aires", "Buenos Aires"), c("Córdoba", "Córdoba"), c("Neuquén", "Neuquén"), c("Rosario", "Santa Fe")]),
        at("Colombia", 14, &[c("Bogotá", "Bogotá"), c("Medellín", "Antioquía"), c("Cali", "Valle del Cauca"), c("Ibagué", "Tolima")]),
        at("Perú", 7, &[c("Lima", "Lima"), c("Arequipa", "Arequipa"), c("Trujillo", "La Libertad")]),
        at("Chile", 7, &[c("Santiago", "Santiago de Chile"), c("Concepción", "Biobío"), c("Valparaíso", "Valparaíso")]),
        at("Ecuador", 5, &[c("Quito", "Pichincha"), c("Guayaquil", "Guayas")]),
        at("Venezuela", 5, &[c("Caracas", "Distrito Capital"), c("Maracaibo", "Zulia"), c("Barquisimeto", "Lara")]),
    ] },
    Region { market: Market::Latam, name: "Caribbean", share: 39, ground: -3.6, express: 0.8, countries: &[
        at("República Dominicana", 48, &[c("Santo Domingo", "Santo Domingo"), c("La Romana", "La Romana"), c("San Cristóbal", "San Cristóbal")]),
        at("Cuba", 34, &[c("La Habana", "La Habana"), c("Holguín", "Holguín"), c("Camagüey", "Camagüey"), c("Pinar del Río", "Pinar del Río")]),
        at("Haití", 10, &[c("Port-au-Prince", "Ouest"), c("Les Cayes", "Sur")]),
        at("Jamaica", 8, &[c("Kingston", "Kingston"), c("Spanish Town", "Saint Catherine")]),
    ] },
    Region { market: Market::Europe, name: "Western Europe", share: 131, ground: -1.6, express: 0.2, countries: &[
        at("Francia", 46, &[c("Paris", "Isla de Francia"), c("Lyon", "Auvernia-Ródano-Alpes"), c("Besançon", "Borgoña-Franco Condado"), c("Nîmes", "Occitania"),
            c("Orléans", "Centro-Valle de Loira"), c("Saint-Étienne", "Auvernia-Ródano-Alpes"), c("Lille", "Alta Francia")]),
        at("Alemania", 34, &[c("Berlin", "Berlín"), c("Köln", "Renania del Norte-Westfalia"), c("München", "Baviera"), c("Düsseldorf", "Renania del Norte-Westfalia"),
            c("Hamburg", "Hamburgo"), c("Nürnberg", "Baviera")]),
        at("Países Bajos", 9, &[c("Amsterdam", "Holanda Septentrional"), c("Rotterdam", "Holanda Meridional"), c("Utrecht", "Utrecht")]),
        at("Bélgica", 4, &[c("Brussels", "Bruselas-Capital"), c("Liège", "Lieja"), c("Antwerp", "Amberes")]),
        at("Austria", 4, &[c("Vienna", "Viena"), c("Graz", "Estiria")]),
        at("Suiza", 3, &[c("Zürich", "Zürich"), c("Genève", "Ginebra")]),
    ] },
    Region { market: Market::Europe, name: "Northern Europe", share: 64, ground: -2.8, express: 1.0, countries: &[
        at("Reino Unido", 70, &[c("London", "Inglaterra"), c("Manchester", "Inglaterra"), c("Edinburgh", "Escocia"), c("Cardiff", "Gales"), c("Leeds", "Inglaterra")]),
        at("Suecia", 12, &[c("Stockholm", "Estocolmo"), c("Göteborg", "Västra Götaland"), c("Malmö", "Escania")]),
        at("Dinamarca", 6, &[c("København", "Hovedstaden"), c("Århus", "Jutlandia Central")]),
        at("Noruega", 5, &[c("Oslo", "Oslo"), c("Tromsø", "Troms")]),
        at("Irlanda", 4, &[c("Dublin", "Dublín"), c("Cork", "Cork")]),
        at("Finlandia", 3, &[c("Helsinki", "Uusimaa"), c("Jyväskylä", "Finlandia Central")]),
    ] },
    Region { market: Market::Europe, name: "Southern Europe", share: 58, ground: 2.0, express: -1.4, countries: &[
        at("Italia", 52, &[c("Rome", "Lacio"), c("Milan", "Lombardía"), c("Naples", "Campania"), c("Turin", "Piamonte")]),
        at("España", 38, &[c("Madrid", "Madrid"), c("Málaga", "Andalucía"), c("Cádiz", "Andalucía"), c("A Coruña", "Galicia"), c("Barcelona", "Cataluña")]),
        at("Portugal", 6, &[c("Lisbon", "Lisboa"), c("Setúbal", "Setúbal")]),
        at("Grecia", 4, &[c("Athens", "Ática"), c("Patras", "Grecia Occidental")]),
    ] },
    Region { market: Market::Europe, name: "Eastern Europe", share: 32, ground: 3.2, express: 1.4, countries: &[
        at("Polonia", 30, &[c("Warsaw", "Mazovia"), c("Lublin", "Lublin"), c("Katowice", "Silesia")]),
        at("Rusia", 24, &[c("Moscow", "Moscú"), c("Kazan", "Tartaristán"), c("Omsk", "Omsk")]),
        at("Ucrania", 16, &[c("Kiev", "Kiev"), c("Odessa", "Odesa")]),
        at("Rumania", 16, &[c("Bucharest", "Bucarest"), c("Cluj-Napoca", "Cluj")]),
        at("Hungría", 8, &[c("Budapest", "Budapest"), c("Pécs", "Baranya")]),
        at("República Checa", 6, &[c("Prague", "Praga"), c("Brno", "Moravia Meridional")]),
    ] },
    Region { market: Market::PacificAsia, name: "Oceania", share: 54, ground: -2.6, express: 0.8, countries: &[
        at("Australia", 84, &[c("Sydney", "Nueva Gales del Sur"), c("Brisbane", "Queensland"), c("Melbourne", "Victoria"), c("Perth", "Australia Occidental")]),
        at("Nueva Zelanda", 13, &[c("Auckland", "Auckland"), c("Wellington", "Wellington")]),
        at("Papúa Nueva Guinea", 3, &[c("Port Moresby", "Distrito Capital Nacional")]),
    ] },
    Region { market: Market::PacificAsia, name: "Southeast Asia", share: 56, ground: 1.8, express: -1.0, countries: &[
        at("Indonesia", 44, &[c("Jakarta", "Yakarta"), c("Surabaya", "Java Oriental"), c("Medan", "Sumatra Septentrional"), c("Makassar", "Célebes Meridional")]),
        at("Filipinas", 26, &[c("Manila", "Gran Manila"), c("Cebu City", "Cebú"), c("Davao", "Davao")]),
        at("Tailandia", 12, &[c("Bangkok", "Bangkok"), c("Chiang Mai", "Chiang Mai")]),
        at("Vietnam", 10, &[c("Hanoi", "Hanói"), c("Ho Chi Minh City", "Ciudad Ho Chi Minh")]),
        at("Malasia", 5, &[c("Kuala Lumpur", "Kuala Lumpur"), c("Johor Bahru", "Johor")]),
        at("Singapur", 3, &[c("Singapore", "Singapur")]),
    ] },
    Region { market: Market::PacificAsia, name: "South Asia", share: 48, ground: 2.4, express: 0.0, countries: &[
        at("India", 68, &[c("Mumbai", "Maharashtra"), c("Delhi", "Delhi"), c("Kolkata", "Bengala Occidental"), c("Chennai", "Tamil Nadu"), c("Lucknow", "Uttar Pradesh")]),
        at("Pakistán", 16, &[c("Karachi", "Sind"), c("Lahore", "Punyab")]),
        at("Bangladés", 12, &[c("Dhaka", "Daca"), c("Chittagong", "Chittagong")]),
        at("Nepal", 4, &[c("Kathmandu", "Bagmati")]),
    ] },
    Region { market: Market::PacificAsia, name: "Eastern Asia", share: 44, ground: 0.6, express: -3.0, countries: &[
        at("China", 74, &[c("Shanghai", "Shanghái"), c("Beijing", "Pekín"), c("Guangzhou", "Guangdong"), c("Chengdu", "Sichuan"), c("Wuhan", "Hubei")]),
        at("Japón", 16, &[c("Tokyo", "Tokio"), c("Osaka", "Osaka"), c("Sapporo", "Hokkaido")]),
        at("Corea del Sur", 10, &[c("Seoul", "Seúl"), c("Busan", "Busan")]),
    ] },
    Region { market: Market::PacificAsia, name: "West Asia", share: 32, ground: -0.4, express: 1.0, countries: &[
        at("Turquía", 56, &[c("Istanbul", "Estambul"), c("Ankara", "Ankara"), c("Izmir", "Esmirna")]),
        at("Irán", 18, &[c("Tehran", "Teherán"), c("Mashhad", "Jorasán Razaví")]),
        at("Arabia Saudí", 14, &[c("Riyadh", "Riad"), c("Jeddah", "La Meca")]),
        at("Israel", 8, &[c("Tel Aviv", "Tel Aviv"), c("Haifa", "Haifa")]),
        at("Líbano", 4, &[c("Beirut", "Beirut")]),
    ] },
    Region { market: Market::PacificAsia, name: "Central Asia", share: 6, ground: 3.2, express: 1.6, countries: &[
        at("Kazajistán", 62, &[c("Almaty", "Almatý"), c("Karaganda", "Karaganda")]),
        at("Uzbekistán", 38, &[c("Tashkent", "Taskent"), c("Samarkand", "Samarcanda")]),
    ] },
    Region { market: Market::Usca, name: "West of USA ", share: 54, ground: -1.6, express: 1.4, countries: &[
        at("Estados Unidos", 1, &[us("Los Angeles", "California", 90001), us("San Francisco", "California", 94102), us("Seattle", "Washington", 98101),
            us("Portland", "Oregón", 97201), us("Phoenix", "Arizona", 85003), us("Denver", "Colorado", 80202)]),
    ] },
    Region { market: Market::Usca, name: "East of USA", share: 52, ground: 1.0, express: -1.6, countries: &[
        at("Estados Unidos", 1, &[us("New York City", "Nueva York", 10001), us("Philadelphia", "Pensilvania", 19102), us("Boston", "Massachusetts", 2108),
            us("Newark", "Nueva Jersey", 7102), us("Columbus", "Ohio", 43201), us("Baltimore", "Maryland", 21201)]),
    ] },
    Region { market: Market::Usca, name: "US Center ", share: 38, ground: -0.2, express: 2.2, countries: &[
        at("Estados Unidos", 1, &[us("Chicago", "Illinois", 60601), us("Houston", "Texas", 77002), us("Dallas", "Texas", 75201), us("Detroit", "Míchigan", 48201),
            us("Minneapolis", "Minnesota", 55401), us("Omaha", "Nebraska", 68102)]),
    ] },
    Region { market: Market::Usca, name: "South of  USA ", share: 28, ground: 3.0, express: -0.4, countries: &[
        at("Estados Unidos", 1, &[us("Miami", "Florida", 33125), us("Atlanta", "Georgia", 30303), us("Charlotte", "Carolina del Norte", 28202),
            us("Nashville", "Tennessee", 37203), us("Richmond", "Virginia", 23219)]),
    ] },
    Region { market: Market::Usca, name: "Canada", share: 8, ground: 3.4, express: 1.6, countries: &[
        at("Canada", 1, &[c("Toronto", "Ontario"), c("Montréal", "Quebec"), c("Québec", "Quebec"), c("Vancouver", "Columbia Británica"), c("Calgary", "Alberta")]),
    ] },
    Region { market: Market::Africa, name: "West Africa", share: 36, ground: 1.2, express: -0.6, countries: &[
        at("Nigeria", 58, &[c("Lagos", "Lagos"), c("Ibadan", "Oyo"), c("Kano", "Kano")]),
        at("Costa de Marfil", 14, &[c("Abidjan", "Lagunas"), c("Bouaké", "Valle de Bandama")]),
        at("Ghana", 12, &[c("Accra", "Gran Acra"), c("Kumasi", "Ashanti")]),
        at("Senegal", 10, &[c("Dakar", "Dakar"), c("Thiès", "Thiès")]),
        at("Malí", 6, &[c("Bamako", "Bamako")]),
    ] },
    Region { market: Market::Africa, name: "North Africa", share: 31, ground: -3.4, express: 0.6, countries: &[
        at("Egipto", 40, &[c("Cairo", "El Cairo"), c("Alexandria", "Alejandría"), c("Giza", "Guiza")]),
        at("Marruecos", 34, &[c("Casablanca", "Casablanca-Settat"), c("Fès", "Fez-Mequinez"), c("Tangier", "Tánger-Tetuán")]),
        at("Argelia", 18, &[c("Algiers", "Argel"), c("Oran", "Orán")]),
        at("Túnez", 8, &[c("Tunis", "Túnez"), c("Sfax", "Sfax")]),
    ] },
    Region { market: Market::Africa, name: "East Africa", share: 20, ground: 0.2, express: 1.0, countries: &[
        at("Kenia", 36, &[c("Nairobi", "Nairobi"), c("Mombasa", "Mombasa")]),
        at("Tanzania", 26, &[c("Dar es Salaam", "Dar es Salaam"), c("Mwanza", "Mwanza")]),
        at("Etiopía", 20, &[c("Addis Ababa", "Adís Abeba")]),
        at("Mozambique", 18, &[c("Maputo", "Maputo"), c("Beira", "Sofala")]),
    ] },
    Region { market: Market::Africa, name: "Central Africa", share: 14, ground: 2.2, express: 0.6, countries: &[
        at("República Democrática del Congo", 52, &[c("Kinshasa", "Kinsasa"), c("Lubumbashi", "Alto Katanga")]),
        at("Camerún", 28, &[c("Douala", "Litoral"), c("Yaoundé", "Centro")]),
        at("Angola", 20, &[c("Luanda", "Luanda")]),
    ] },
    Region { market: Market::Africa, name: "Southern Africa", share: 14, ground: -2.2, express: 1.0, countries: &[
        at("Sudáfrica", 84, &[c("Johannesburg", "Gauteng"), c("Cape Town", "Cabo Occidental"), c("Durban", "KwaZulu-Natal")]),
        at("Namibia", 16, &[c("Windhoek", "Khomas")]),
    ] },
];

/// A city that customers live in: name, state, lowest zip code, latitude, longitude, weight. As in the original, customers are in the
/// United States and Puerto Rico, and zip codes have lost their leading zeros.
pub(super) struct Home {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: u32,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    pub(super) weight: u32,
}

const fn home(city: &'static str, state: &'static str, zip: u32, latitude: f64, longitude: f64, weight: u32) -> Home {
    Home {
        city,
        state,
        zip,
        latitude,
        longitude,
        weight,
    }
}

/// Customers' cities.
#[rustfmt::skip]
pub(super) const HOMES: &[Home] = &[
    home("Caguas", "PR", 725, 18.234, -66.036, 360),
    home("Bayamón", "PR", 956, 18.399, -66.156, 24),
    home("Mayagüez", "PR", 680, 18.201, -67.140, 16),
    home("Chicago", "IL", 60601, 41.850, -87.650, 56),
    home("Peoria", "IL", 61602, 40.694, -89.589, 10),
    home("Los Angeles", "CA", 90001, 34.052, -118.244, 58),
    home("San Diego", "CA", 92101, 32.716, -117.161, 36),
    home("Fresno", "CA", 93701, 36.738, -119.787, 22),
    home("Sacramento", "CA", 95814, 38.582, -121.494, 20),
    home("Brooklyn", "NY", 11201, 40.678, -73.944, 40),
    home("New York", "NY", 10001, 40.713, -74.006, 28),
    home("Rochester", "NY", 14604, 43.157, -77.615, 14),
    home("Houston", "TX", 77002, 29.760, -95.370, 30),
    home("Dallas", "TX", 75201, 32.777, -96.797, 24),
    home("Laredo", "TX", 78040, 27.506, -99.507, 10),
    home("Miami", "FL", 33125, 25.762, -80.192, 28),
    home("Tampa", "FL", 33602, 27.951, -82.457, 14),
    home("Columbus", "OH", 43201, 39.961, -82.999, 20),
    home("Toledo", "OH", 43604, 41.653, -83.538, 8),
    home("Philadelphia", "PA", 19102, 39.953, -75.165, 24),
    home("Detroit", "MI", 48201, 42.331, -83.046, 22),
    home("Newark", "NJ", 7102, 40.736, -74.172, 20),
    home("Phoenix", "AZ", 85003, 33.448, -112.074, 20),
    home("Atlanta", "GA", 30303, 33.749, -84.388, 16),
    home("Baltimore", "MD", 21201, 39.290, -76.612, 14),
    home("Denver", "CO", 80202, 39.739, -104.990, 14),
    home("Richmond", "VA", 23219, 37.541, -77.436, 12),
    home("Portland", "OR", 97201, 45.515, -122.679, 10),
    home("Boston", "MA", 2108, 42.360, -71.059, 12),
    home("Honolulu", "HI", 96813, 21.307, -157.858, 8),
    home("Las Vegas", "NV", 89101, 36.170, -115.140, 10),
];

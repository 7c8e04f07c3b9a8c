//! The data sets Recant is tested and compared on: what they are, who made them, on what terms. None of them is shipped.

/// A data set and how to cite it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dataset {
    /// Short name, as on the command line.
    pub name: &'static str,
    /// Full title.
    pub title: &'static str,
    /// What is in it, one sentence.
    pub description: &'static str,
    /// Authors, year and title, to print wherever figures from it are shown.
    pub citation: &'static str,
    /// DOI or address.
    pub source: &'static str,
    /// The licence; absent where the authors state none.
    pub licence: Option<&'static str>,
}

/// All data sets, in the order they are listed to people.
pub const DATASETS: &[Dataset] = &[
    Dataset {
        name: "dataco",
        title: "DataCo Smart Supply Chain",
        description: "180,519 order items of 65,752 orders, 53 columns, January 2015 to January 2018, with planned and actual shipping days",
        citation: "Fabian Constante, Fernando Silva, António Pereira (2019): DataCo SMART SUPPLY CHAIN FOR BIG DATA ANALYSIS, Mendeley Data, V5",
        source: "https://doi.org/10.17632/8gx2fvg2k6.5",
        licence: Some("CC BY 4.0"),
    },
    Dataset {
        name: "cifar10",
        title: "CIFAR-10",
        description: "60,000 colour images of 32 x 32 pixels in 10 classes, 50,000 to train and 10,000 to test",
        citation: "Alex Krizhevsky (2009): Learning Multiple Layers of Features from Tiny Images",
        source: "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence: None,
    },
    Dataset {
        name: "cifar100",
        title: "CIFAR-100",
        description: "60,000 colour images of 32 x 32 pixels in 100 classes that form 20 superclasses, 50,000 to train and 10,000 to test",
        citation: "Alex Krizhevsky (2009): Learning Multiple Layers of Features from Tiny Images",
        source: "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence: None,
    },
];

/// The data set of this name.
pub fn dataset(name: &str) -> Option<&'static Dataset> {
    DATASETS.iter().find(|dataset| dataset.name == name)
}

impl Dataset {
    /// One line for a report: citation, source and licence.
    pub fn credit(&self) -> String {
        match self.licence {
            Some(licence) => format!("{}, {} ({licence})", self.citation, self.source),
            None => format!("{}, {}", self.citation, self.source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_has_a_name_of_its_own_and_a_source() {
        for (index, dataset) in DATASETS.iter().enumerate() {
            assert!(DATASETS[..index].iter().all(|other| other.name != dataset.name));
            assert!(dataset.source.starts_with("https://"));
        }
        assert_eq!(dataset("mnist"), None);
    }

    #[test]
    fn the_credit_of_dataco_names_authors_doi_and_licence() {
        let credit = dataset("dataco").unwrap().credit();
        for part in ["Constante", "Silva", "Pereira", "2019", "10.17632/8gx2fvg2k6.5", "CC BY 4.0"] {
            assert!(credit.contains(part), "{part}");
        }
    }
}

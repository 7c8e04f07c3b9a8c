//! What names of columns mean beyond the words of `words`: abbreviations of carriers and of SAP, words that are inflected, and names in languages
//! that are written without blanks or with letters of their own.

use crate::tables::without_accents;

/// Names of one meaning.
struct Meaning {
    /// Whole words, small and without accents.
    words: &'static [&'static str],
    /// Beginnings of words, small and without accents.
    stems: &'static [&'static str],
    /// Pieces of a name, small, with every accent, for scripts of their own.
    pieces: &'static [&'static str],
}

impl Meaning {
    /// The word or piece that says it.
    fn said(&self, name: &str, words: &[String]) -> Option<String> {
        let word = words.iter().find(|word| {
            let plain = without_accents(word);
            self.words.contains(&plain.as_str()) || self.stems.iter().any(|stem| plain.starts_with(stem))
        });
        let small = name.to_lowercase();
        let piece = || {
            self.pieces
                .iter()
                .find(|piece| small.contains(**piece))
                .map(|piece| (*piece).to_owned())
        };
        word.cloned().or_else(piece)
    }
}

const PLAN: Meaning = Meaning {
    words: &[
        "edd",
        "pdd",
        "rdd",
        "sta",
        "deadline",
        "anticipated",
        "commitment",
        "quoted",
        "appt",
        "appointment",
        "needby",
        "prometido",
        "prometida",
        "promesse",
        "luvattu",
        "arvioitu",
        "suunniteltu",
        "hedef",
        "tahmini",
        "beklenen",
        "taahhut",
        "rencana",
        "estimasi",
        "perkiraan",
        "dijadwalkan",
        // SAP: delivery, planned goods issue, requested and scheduled delivery.
        "lfdat",
        "wadat",
        "vdatu",
        "eindt",
        "edatu",
    ],
    stems: &[
        "geplant",
        "gepland",
        "zugesagt",
        "vereinbart",
        "verwacht",
        "erwartet",
        "beloofd",
        "gewenst",
        "gewunscht",
        "toegezegd",
        "previst",
        "prevu",
        "programad",
        "planificad",
        "planifie",
        "planejad",
        "comprometid",
        "estimad",
        "estime",
        "stimat",
        "pianificat",
        "promess",
        "planowan",
        "oczekiwan",
        "przewidywan",
        "wymagan",
        "planovan",
        "ocekavan",
        "pozadovan",
        "tervezett",
        "planera",
        "planlagt",
        "planlagd",
        "forvant",
        "forventet",
        "beraknad",
        "beregnet",
        "planificat",
        "планов",
        "заплан",
        "ожидаем",
        "обещан",
        "прогноз",
        "очікуван",
        "προγραμματισμεν",
        "προβλεπομεν",
        "αναμενομεν",
        "εκτιμωμεν",
    ],
    pieces: &[
        "计划",
        "計劃",
        "計畫",
        "计画",
        "预计",
        "預計",
        "预期",
        "預期",
        "预定",
        "預定",
        "预约",
        "应到",
        "承诺",
        "承諾",
        "约定",
        "要求",
        "予定",
        "計画",
        "納期",
        "希望",
        "期限",
        "指定日",
        "예정",
        "계획",
        "예상",
        "약속",
        "납기",
        "희망",
        "المتوقع",
        "المخطط",
        "الموعود",
        "المقرر",
        "المطلوب",
        "מתוכנן",
        "צפוי",
        "מובטח",
        "משוער",
        "กำหนด",
        "คาด",
        "แผน",
        "dự kiến",
        "kế hoạch",
        "dự tính",
    ],
};

/// That something came true; a name of a plan is none.
const CAME_TRUE: Meaning = Meaning {
    words: &[
        "act",
        "ada",
        "fulfilled",
        "unloaded",
        "livree",
        "reelle",
        "recue",
        "entregue",
        "geleverd",
        "ontvangen",
        "feitelijk",
        "feitelijke",
        "wareneingang",
        "verklig",
        "verkligt",
        "levererad",
        "levererat",
        "levert",
        "leveret",
        "todellinen",
        "toteutunut",
        "toimitettu",
        "gercek",
        "aktual",
        "realisasi",
        "diterima",
        "факт",
    ],
    stems: &[
        "tatsachlich",
        "zugestellt",
        "ausgeliefert",
        "eingetroffen",
        "effettiv",
        "efetiv",
        "efectiv",
        "consegnat",
        "ricevut",
        "recebid",
        "realizad",
        "recibid",
        "entregad",
        "werkelijk",
        "rzeczywist",
        "faktyczn",
        "dostarczon",
        "zrealizowan",
        "skutecn",
        "doruceno",
        "dodano",
        "tenyleges",
        "kiszallit",
        "faktisk",
        "фактич",
        "доставлен",
        "получен",
        "gerceklesen",
        "livrat",
        "πραγματικ",
        "παραδοθ",
    ],
    pieces: &[
        "实际",
        "實際",
        "送达",
        "送達",
        "签收",
        "簽收",
        "到货",
        "到貨",
        "妥投",
        "実績",
        "実際",
        "納品",
        "着荷",
        "到着",
        "受領",
        "실제",
        "도착",
        "수령",
        "배송완료",
        "납품",
        "الفعلي",
        "تم التسليم",
        "בפועל",
        "ส่งจริง",
        "ส่งถึง",
        "จริง",
        "thực tế",
        "đã giao",
    ],
};

/// That rows are named by it: words for a number of a paper.
const NUMBER: Meaning = Meaning {
    words: &[
        "cislo", "αρ", "nomor", "awb", "hawb", "mawb", "mrn", "sscc", "lpn", "waybill",
        "docket", // SAP: sales, purchasing and accounting papers, orders.
        "vbeln", "ebeln", "belnr", "aufnr", "tknum",
    ],
    stems: &["αριθμ"],
    pieces: &[
        "订单号",
        "單號",
        "单号",
        "编号",
        "編號",
        "号码",
        "番号",
        "번호",
        "رقم",
        "מספר",
        "เลขที่",
        "หมายเลข",
        "รหัส",
        "mã đơn",
        "số đơn",
    ],
};

/// Papers that are often called by their kind alone, where their number is meant.
const PAPER: &[&str] = &[
    "order",
    "po",
    "so",
    "shipment",
    "delivery",
    "consignment",
    "invoice",
    "load",
    "wave",
    "ticket",
    "auftrag",
    "bestellung",
    "lieferung",
    "sendung",
    "rechnung",
    "pedido",
    "orden",
    "envio",
    "encomenda",
    "commande",
    "livraison",
    "ordine",
    "spedizione",
    "bestelling",
    "zending",
    "zamowienie",
    "siparis",
    "pesanan",
    "заказ",
];
/// What may stand beside a paper.
const OF_PAPER: &[&str] = &[
    "sales",
    "purchase",
    "document",
    "doc",
    "transport",
    "customer",
    "outbound",
    "inbound",
];

/// Words for a status or outcome in languages other than English.
const STATUS: Meaning = Meaning {
    words: &[
        "durum",
        "durumu",
        "estado",
        "situacao",
        "statut",
        "stato",
        "stav",
        "statusz",
        "lieferstatus",
        "статус",
    ],
    stems: &[],
    pieces: &[
        "状态",
        "狀態",
        "状態",
        "ステータス",
        "상태",
        "الحالة",
        "حالة",
        "סטטוס",
        "สถานะ",
        "trạng thái",
        "tình trạng",
    ],
};

/// Words for being late or in time.
const LATENESS: Meaning = Meaning {
    words: &[
        "otif", "otd", "breach", "breached", "geciken", "gecikti", "gec", "pontual", "puntual",
    ],
    stems: &[
        "gecik",
        "retras",
        "atras",
        "ritard",
        "vertraag",
        "opozn",
        "spozn",
        "zpozd",
        "forsink",
        "forsen",
        "puntual",
        "termintreu",
        "опозд",
        "просроч",
        "задерж",
        "verspat",
    ],
    pieces: &[
        "延迟",
        "延遲",
        "延误",
        "延誤",
        "迟到",
        "准时",
        "準時",
        "逾期",
        "遅延",
        "遅れ",
        "지연",
        "متأخر",
        "تأخير",
        "איחור",
        "ล่าช้า",
        "trễ",
    ],
};

/// The word that says that a column holds a plan.
pub(super) fn plan(name: &str, words: &[String]) -> bool {
    let by = words
        .windows(2)
        .any(|pair| ["need", "needed", "due", "wanted", "required"].contains(&pair[0].as_str()) && pair[1] == "by");
    // `Est.` is short for estimated where a day follows; by itself it is the east.
    let goes_with = [
        "delivery",
        "arrival",
        "ship",
        "shipping",
        "completion",
        "date",
        "days",
        "time",
        "eta",
    ];
    let estimated = words.iter().any(|word| word == "est") && words.iter().any(|word| goes_with.contains(&word.as_str()));
    // SAP's `WADAT` is the planned goods issue, `WADAT_IST` the actual one.
    let came_true = words.iter().any(|word| word == "ist");
    by || estimated || !came_true && PLAN.said(name, words).is_some()
}

/// The word that says that a column tells what came true.
pub(super) fn came_true(name: &str, words: &[String]) -> Option<String> {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // A proof of delivery has a date; without one it is a port.
    if has(&["pod"]) && has(&["date", "time", "timestamp"]) {
        return Some("pod".to_owned());
    }
    // The effective date of a delivery is its day; an effective rate is none.
    if has(&["effective", "effectif"]) && has(&["date", "day", "datum", "livraison", "delivery", "fecha", "data"]) {
        return Some("effective".to_owned());
    }
    // Where goods arrive is known beforehand, and how.
    const PLACES: [&str; 14] = [
        "先",
        "地",
        "港",
        "址",
        "城",
        "国",
        "國",
        "区",
        "區",
        "方式",
        "方法",
        "도착지",
        "주소",
        "수령인",
    ];
    if PLACES.iter().any(|place| name.contains(place)) {
        return None;
    }
    CAME_TRUE.said(name, words)
}

/// Whether the name of a column of dates says that it is the day on which something came true; such words say nothing of columns of other kinds.
pub(super) fn came_true_on(words: &[String]) -> bool {
    const DAYS: &[&str] = &[
        "done",
        "checkin",
        "released",
        "cleared",
        "landed",
        "received",
        "receipt",
        "fulfilled",
        "grn",
    ];
    words.iter().any(|word| DAYS.contains(&word.as_str())) || words == ["add"]
}

/// Whether the name of a column of dates says that it is a limit.
pub(super) fn limit(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| ["sla", "slot", "limit", "cutoff", "goal", "std"].contains(&word.as_str()))
}

/// Whether a name says that something reached the customer.
pub(super) fn arrived(name: &str, words: &[String]) -> bool {
    const ARRIVED: Meaning = Meaning {
        words: &["pod"],
        stems: &[
            "dostaw",
            "dostarcz",
            "teslim",
            "dorucen",
            "dodan",
            "szallit",
            "lever",
            "aankomst",
            "доставк",
            "παραδ",
        ],
        pieces: &[
            "送达",
            "送達",
            "签收",
            "簽收",
            "到货",
            "到貨",
            "納品",
            "到着",
            "着荷",
            "배송",
            "도착",
            "납품",
            "التسليم",
            "אספקה",
            "ส่ง",
            "giao",
        ],
    };
    // `ADD` is the actual date of delivery; added is something else.
    ARRIVED.said(name, words).is_some() || words == ["add"]
}

/// Whether a name says that rows are named by the column.
pub(super) fn number(name: &str, words: &[String]) -> bool {
    let start = name.trim_start().to_lowercase();
    // `N. ordine` is the number of an order, `N. colli` a number of parcels.
    const NUMBERED: [&str; 16] = [
        "ordine",
        "commande",
        "pedido",
        "encomenda",
        "fattura",
        "facture",
        "factura",
        "fatura",
        "spedizione",
        "bolla",
        "ddt",
        "documento",
        "serie",
        "livraison",
        "expedition",
        "guia",
    ];
    let short = ["n. ", "n.º", "n.° ", "n.o ", "n.ro "].iter().any(|mark| start.starts_with(mark))
        && words.iter().any(|word| NUMBERED.contains(&without_accents(word).as_str()));
    // `rendelésszám` is the number of an order, `szám` of anything.
    let joined = |word: &String| {
        let plain = without_accents(word);
        plain == "szam" || plain == "szama" || plain.len() > 6 && (plain.ends_with("szam") || plain.ends_with("cislo"))
    };
    short || words.iter().any(joined) || NUMBER.said(name, words).is_some()
}

/// Whether a name is that of a paper and says no more.
pub(super) fn paper(words: &[String]) -> bool {
    let plain: Vec<String> = words.iter().map(|word| without_accents(word)).collect();
    let is = |list: &[&str], word: &String| list.contains(&word.as_str());
    let papers = plain.iter().filter(|word| is(PAPER, word)).count();
    let named = papers > 0 || plain == ["sales", "document"] || plain == ["purchasing", "document"];
    named
        && plain
            .iter()
            .all(|word| is(PAPER, word) || is(OF_PAPER, word) || word == "purchasing")
}

/// Whether a name says that it holds a status.
pub(super) fn status(name: &str, words: &[String]) -> bool {
    STATUS.said(name, words).is_some()
}

/// Whether a name says that it tells who was late or in time.
pub(super) fn lateness(name: &str, words: &[String]) -> bool {
    let pairs = [["sla", "met"], ["sla", "missed"], ["on", "time"], ["in", "full"], ["is", "late"]];
    words.windows(2).any(|pair| pairs.iter().any(|known| pair == known)) || LATENESS.said(name, words).is_some()
}

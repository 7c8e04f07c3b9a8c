//! Words in dates: months, days of the week, halves of the day, time zones.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Time zones by their usual letters: minutes east of UTC.
pub(super) const ZONES: &[(&str, i16)] = &[
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("BST", 60),
    ("CET", 60),
    ("MEZ", 60),
    ("CEST", 120),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("JST", 540),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

/// Names of the months, in the forms and abbreviations that dates are written with, folded (small letters without accents). By month:
/// English, German, French, Spanish, Italian, Portuguese, Catalan; Dutch, Danish, Norwegian, Swedish, Finnish, Estonian, Latvian, Lithuanian;
/// Polish, Czech, Slovak, Slovenian, Serbian, Croatian, Bosnian; Hungarian, Romanian, Turkish, Indonesian, Malay;
/// Russian, Ukrainian, Bulgarian, Serbian in Cyrillic, Greek, Arabic. Names that mean different months in two languages are in [`TWO_MONTHS`].
const MONTHS: [&str; 12] = [
    "jan january januar janner jaenner jan janvier janv ene enero gen gennaio janeiro gener januari januara januari tammi tammikuu tammikuuta jaanuar \
     janvaris sausis sausio saus sty styczen stycznia led leden ledna jan january januar jan januar sij sijecanj sijecnja januar januar ian ianuarie \
     oca ocak januari jan янв январь января сiч січ січень січня яну януари јан јануар ιαν ιανουαριος ιανουαριου يناير \
     ינואר जनवरी มกราคม ژانویه",
    "feb february februar feber fev fevr fevrier febrero febbraio fevereiro febr febrer februari helmi helmikuu helmikuuta veebr veebruar februaris \
     vasaris vasario vas luty lut lutego uno unor unora februara velj veljaca veljace februarie sub subat фев февр февраль февраля лют лютий лютого \
     февруари феб фебруар φεβ φεβρ φεβρουαριος φεβρουαριου فبراير \
     פברואר फरवरी फ़रवरी กุมภาพันธ์ فوریه",
    "mar march marz maerz mrz mars marzo marco març marc maart mrt marts maalis maaliskuu maaliskuuta marts kovas kovo kov marz marzec marca bre brezen \
     brezna marec mart ozu ozujak ozujka marcius martie maret mac март марта мар бер берез березень березня μαρ μαρτιος μαρτιου مارس \
     מרץ मार्च มีนาคม مارس",
    "apr april avr avril abr abril aprile huhti huhtikuu huhtikuuta aprill aprilis balandis balandzio bal kwi kwiecien kwietnia dub duben dubna aprila \
     tra travanj travnja aprilie nis nisan апр апрель апреля кві квіт квітень квітня април απρ απριλιος απριλιου ابريل أبريل \
     אפריל अप्रैल เมษายน آوریل",
    "may mai mayo mag maggio maio maig mei maj touko toukokuu toukokuuta maijs geguze geguzes geg maja kve kveten kvetna svi svibanj svibnja majus mayis \
     май мая трав травень травня маи мај μαι μαιος μαιου مايو \
     מאי मई พฤษภาคม",
    "jun june juni juin junio giu giugno junho juny kesa kesakuu kesakuuta juuni junijs birzelis birzelio bir cze czerwiec czerwca cvn cerven cervna \
     juna junij junija lipanj lipnja junius iun iunie haz haziran июн июнь июня чер черв червень червня юни јун јуни ιουν ιουνιος ιουνιου يونيو \
     יוני जून มิถุนายน ژوئن",
    "jul july juli juil juillet julio lug luglio julho juliol heina heinakuu heinakuuta juuli julijs liepa liepos lie lipiec lipca cvc cervenec \
     cervence jula julij julija srpanj srpnja julius iul iulie tem temmuz julai июл июль июля липень липня лип юли јул јули ιουλ ιουλιος ιουλιου يوليو \
     יולי जुलाई กรกฎาคม ژوئیه",
    "aug agust august augusta aout aou ago agosto agost augustus augusti elo elokuu elokuuta augusts rugpjutis rugpjucio rgp sie sierpien sierpnia srpen srpna \
     avg avgust avgusta kol kolovoz kolovoza augusztus agu agustos agustus agt ags ogos авг август августа сер серп серпень серпня αυγ αυγουστος αυγουστου \
     أغسطس اغسطس \
     אוגוסט अगस्त สิงหาคม اوت",
    "sep sept september septembre septiembre setiembre set settembre setembro setembre syys syyskuu syyskuuta septembris rugsejis rugsejo rgs wrz \
     wrzesien wrzesnia zar zari septembra septembar ruj rujan rujna szept szeptember septembrie eyl eylul сен сент сентябрь сентября вер верес вересень \
     вересня септ септември сеп септембар σεπ σεπτ σεπτεμβριος σεπτεμβριου سبتمبر \
     ספטמבר सितंबर सितम्बर กันยายน سپتامبر",
    "oct october okt oktober octobre octubre ott ottobre out outubro loka lokakuu lokakuuta oktoober oktobris spalis spalio spl paz pazdziernik \
     pazdziernika rij rijen rijna oktobra oktobar okto octombrie eki ekim окт октябрь октября жов жовт жовтень жовтня октомври октобар \
     οκτ οκτωβριος οκτωβριου اكتوبر أكتوبر \
     אוקטובר अक्टूबर ตุลาคม اکتبر",
    "nov november novembre noviembre novembro marras marraskuu marraskuuta novembris lapkritis lapkricio lap novembra novembar stu studeni studenoga \
     studenog noiembrie noi kas kasim ноя нояб ноябрь ноября лис лист листоп листопад листопада ное ноември нов новембар νοε νοεμ νοεμβριος νοεμβριου \
     نوفمبر \
     נובמבר नवंबर नवम्बर พฤศจิกายน نوامبر",
    "dec december dez dezember decembre dic diciembre dicembre dezembro desembre des desember joulu joulukuu joulukuuta dets detsember decembris gruodis \
     gruodzio grd gru grudzien grudnia pro prosinec prosince decembra decembar prosinac prosinca decembrie ara aralik disember дек декабрь декабря \
     груд грудень грудня гру декември дец децембар δεκ δεκεμβριος δεκεμβριου ديسمبر \
     דצמבר दिसंबर दिसम्बर ธันวาคม دسامبر",
];

/// Names that mean one month in Croatian and another in Polish, Czech or Slovenian: the name, the month there, the month in Croatian.
const TWO_MONTHS: &[(&str, u32, u32)] = &[
    ("listopad", 11, 10),
    ("listopada", 11, 10),
    ("listopadu", 11, 11),
    ("lis", 11, 10),
    ("lip", 7, 6),
    ("srp", 8, 7),
];

/// Names that only Croatian has, and those that only Polish and Czech have: they tell the language of [`TWO_MONTHS`].
const CROATIAN: &str = " sij sijecanj sijecnja velj veljaca veljace ozu ozujak ozujka tra travanj travnja svi svibanj svibnja lipanj lipnja srpanj srpnja \
    kol kolovoz kolovoza ruj rujan rujna stu studeni studenoga studenog prosinac prosinca ";
const POLISH_OR_CZECH: &str = " sty styczen stycznia lut luty lutego marzec kwi kwiecien kwietnia cze czerwiec czerwca lipiec lipca sie sierpien sierpnia \
    wrz wrzesien wrzesnia paz pazdziernik pazdziernika gru grudzien grudnia led leden ledna uno unor unora bre brezen brezna dub duben dubna kve kveten \
    kvetna cvn cerven cervna cvc cervenec cervence srpen srpna zar zari rij rijen rijna prosinec prosince listopadu ";

/// What a month's name says of the language of names that mean two months.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tongue {
    #[default]
    Unknown,
    Croatian,
    PolishOrCzech,
    /// The name means this month in Croatian.
    Either(u32),
}

/// A month by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MonthName {
    pub(crate) month: u32,
    pub(crate) tongue: Tongue,
}

fn months() -> &'static HashMap<String, MonthName> {
    static NAMES: LazyLock<HashMap<String, MonthName>> = LazyLock::new(|| {
        let mut names = HashMap::new();
        for (month, listed) in (1..).zip(MONTHS) {
            for name in listed.split_whitespace() {
                let spaced = format!(" {name} ");
                let tongue = if CROATIAN.contains(&spaced) {
                    Tongue::Croatian
                } else if POLISH_OR_CZECH.contains(&spaced) {
                    Tongue::PolishOrCzech
                } else {
                    Tongue::Unknown
                };
                names.insert(folded(name), MonthName { month, tongue });
            }
        }
        for (name, month, croatian) in TWO_MONTHS {
            let tongue = Tongue::Either(*croatian);
            names.insert((*name).to_owned(), MonthName { month: *month, tongue });
        }
        names
    });
    &NAMES
}

/// Small letters without accents.
pub(crate) fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        folded.push(match c {
            '\u{300}'..='\u{36f}' => continue,
            'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'ď' | 'đ' => 'd',
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
            'ğ' | 'ģ' => 'g',
            'ì'..='ï' | 'ī' | 'į' | 'ı' => 'i',
            'ķ' => 'k',
            'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
            'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ő' => 'o',
            'ŕ' | 'ř' => 'r',
            'ś' | 'ş' | 'š' | 'ș' => 's',
            'ţ' | 'ť' | 'ț' => 't',
            'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => 'u',
            'ý' | 'ÿ' => 'y',
            'ź' | 'ż' | 'ž' => 'z',
            'ά' => 'α',
            'έ' => 'ε',
            'ή' => 'η',
            'ί' | 'ϊ' | 'ΐ' => 'ι',
            'ό' => 'ο',
            'ύ' | 'ϋ' | 'ΰ' => 'υ',
            'ώ' => 'ω',
            'ς' => 'σ',
            'ё' => 'е',
            c => c,
        });
    }
    folded
}

/// The month a word names.
pub(super) fn month_of(word: &[u8]) -> Option<MonthName> {
    if word.len() < 3 || word.len() > 32 {
        return None;
    }
    months().get(&folded(std::str::from_utf8(word).ok()?)).copied()
}

/// Days of the week, folded, in the languages of [`MONTHS`], in full and abbreviated.
const DAYS: &str = " mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat saturday sun sunday \
    mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag sonnabend so sonntag \
    lun lundi mar mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche \
    lunes martes mie miercoles jue jueves vie viernes sab sabado dom domingo \
    lunedi martedi mercoledi gio giovedi venerdi sabato domenica \
    seg segunda segunda-feira ter terca terca-feira qua quarta quarta-feira qui quinta quinta-feira sex sexta sexta-feira \
    ma maandag dinsdag wo woensdag donderdag vr vrijdag za zaterdag zo zondag \
    man mandag tir tirsdag ons onsdag tor torsdag fre fredag lor lordag son sondag tis tisdag tors \
    ti to pe la su ke maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai maanantaina tiistaina keskiviikkona torstaina perjantaina \
    lauantaina sunnuntaina \
    pon poniedzialek wt wtorek sr sroda czw czwartek pt piatek sob sobota nd niedz niedziela \
    po pondeli ut utery st streda ct ctvrtek pa patek ne nedele pondelok utorok stvrtok piatok nedela \
    ponedeljek torek sreda cetrtek petek nedelja ponedjeljak utorak srijeda cetvrtak petak subota nedjelja ponedeljak \
    h hetfo k kedd sze szerda cs csutortok p pentek szo szombat v vasarnap \
    luni marti miercuri joi vineri sambata duminica \
    pzt pazartesi sal sali car carsamba per persembe cum cuma cmt cumartesi paz pazar \
    senin selasa rabu kamis jumat sabtu minggu isnin khamis ahad \
    пн понедельник вт вторник ср среда чт четверг пт пятница сб суббота вс воскресенье понеділок вівторок середа четвер п'ятниця субота нд неділя \
    понеделник сряда четвъртък петък събота неделя \
    δευ δευτερα τρι τριτη τετ τεταρτη πεμ πεμπτη παρ παρασκευη σαβ σαββατο κυρ κυριακη \
    月 火 水 木 金 土 日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 월 화 수 목 금 토 일 월요일 화요일 수요일 목요일 금요일 토요일 일요일 \
    星期一 星期二 星期三 星期四 星期五 星期六 星期日 星期天 周一 周二 周三 周四 周五 周六 周日 週一 週二 週三 週四 週五 週六 週日 ";

/// Whether a word names a day of the week.
pub(super) fn is_weekday(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| !word.is_empty() && DAYS.contains(&format!(" {} ", folded(word))))
}

/// Words for the halves of the day, folded, without blanks and points: whether it is afternoon.
const HALVES: &[(&str, bool)] = &[
    ("am", false),
    ("pm", true),
    ("fm", false),
    ("em", true),
    ("de", false),
    ("du", true),
    ("dop", false),
    ("odp", true),
    ("ap", false),
    ("ip", true),
    ("πμ", false),
    ("μμ", true),
    ("oo", false),
    ("os", true),
    ("sa", false),
    ("ch", true),
    ("上午", false),
    ("下午", true),
    ("午前", false),
    ("午後", true),
    ("오전", false),
    ("오후", true),
];

/// A word for a half of the day at the beginning of a text, with blanks and points in it as they come (`p. m.`, `AM`): whether it is afternoon,
/// and how many bytes it takes.
pub(crate) fn half_day(text: &str) -> Option<(bool, usize)> {
    let within = |c: char| matches!(c, '.' | ' ');
    HALVES.iter().find_map(|(word, afternoon)| {
        let mut rest = text;
        for (place, wanted) in word.chars().enumerate() {
            if place > 0 {
                rest = rest.trim_start_matches(within);
            }
            let c = rest.chars().next()?;
            let mut folded = [0; 4];
            if super::words::folded(c.encode_utf8(&mut folded)) != wanted.to_string() {
                return None;
            }
            rest = &rest[c.len_utf8()..];
        }
        let ascii = word.is_ascii();
        if ascii && rest.chars().next().is_some_and(char::is_alphabetic) {
            return None;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        Some((*afternoon, text.len() - rest.len()))
    })
}

/// Whether a word between the parts of a date says nothing.
pub(super) fn is_link(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| !word.is_empty() && LINKS.contains(&format!(" {} ", folded(word))))
}

/// Words between parts of a date that say nothing: `31 de enero de 2018`, `31. Januar um 22:56`.
const LINKS: &str = " de del d of den der le el a at as um om kl klo o u la las los alle ore ora v в о г год года r roku р року the \
    uhr uur nam ngay ar god ";

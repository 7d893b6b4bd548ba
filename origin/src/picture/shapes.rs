//! The drawings: shapes, motifs and colours, on a field of 200 by 200 that stands on the line y = 168.
//! Marks: `{a}` main colour, `{b}` darker, `{c}` lighter, `{d}` accent.

/// A drawing: what is behind the body, the body's outline (which takes the motif), what is before it.
pub(super) struct Shape {
    /// Words that call for it.
    pub words: &'static str,
    pub behind: &'static str,
    pub body: &'static str,
    pub before: &'static str,
}

const fn shape(words: &'static str, behind: &'static str, body: &'static str, before: &'static str) -> Shape {
    Shape {
        words,
        behind,
        body,
        before,
    }
}

/// Where no word calls for another.
pub(super) const GIFT: Shape = shape(
    "gift present",
    "",
    "M48 88h104v80H48z",
    r#"<path d="M42 74h116v20H42z" fill="{b}"/><path d="M92 74h16v94H92z" fill="{d}"/><path d="M100 74q-40-4-34-24 8-16 34 24 26-40 34-24 6 20-34 24z" fill="none" stroke="{d}" stroke-width="8"/>"#,
);

/// The first whose words fit is taken: what a thing is before what is on it.
pub(super) const SHAPES: [Shape; 26] = [
    shape(
        "christmas xmas bauble advent santa noel stocking",
        r#"<path d="M100 30v30" stroke="{b}" stroke-width="4"/>"#,
        "M100 66a50 50 0 1 1-.1 0z",
        r##"<path d="M88 54h24v16H88z" fill="{d}"/><path d="M68 98q8-18 24-20" fill="none" stroke="#fff" stroke-width="6" opacity=".6" stroke-linecap="round"/>"##,
    ),
    shape(
        "necklace bracelet earring ring brooch charm pendant jewellery bangle hairclip keyring tiara",
        r#"<path d="M52 40q6 74 48 78 42-4 48-78" fill="none" stroke="{d}" stroke-width="4"/>"#,
        "M100 112l26 22-26 34-26-34z",
        r##"<path d="M74 134h52M100 112l-10 22 10 34 10-34z" fill="none" stroke="#fff" stroke-width="2.500" opacity=".8"/><circle cx="100" cy="112" r="6" fill="{d}"/>"##,
    ),
    shape(
        "backpack rucksack satchel luggage suitcase daypack",
        r#"<path d="M76 52q0-24 24-24t24 24" fill="none" stroke="{b}" stroke-width="8"/>"#,
        "M54 82q0-38 46-38t46 38v74q0 12-12 12H66q-12 0-12-12z",
        r#"<path d="M66 112h68v34q0 10-10 10H76q-10 0-10-10z" fill="{b}"/><path d="M66 112h68v14H66z" fill="{d}"/><path d="M96 120h8v14h-8z" fill="{c}"/>"#,
    ),
    shape(
        "lampshade lamp lantern chandelier",
        r#"<path d="M96 96h8v62h-8z" fill="{b}"/><path d="M68 168q0-14 32-14t32 14z" fill="{b}"/>"#,
        "M74 40h52l22 62H52z",
        r#"<path d="M52 102h96l6 8H46z" fill="{d}" opacity=".7"/>"#,
    ),
    shape(
        "candle light votive incense scented tealight torch holder",
        r#"<path d="M100 34q18 22 0 38-18-16 0-38z" fill="hsl(42 96% 62%)"/><path d="M100 66v18" stroke="{b}" stroke-width="3"/>"#,
        "M70 84h60v84H70z",
        r#"<ellipse cx="100" cy="84" rx="30" ry="7" fill="{c}"/><path d="M58 160h84v8H58z" fill="{d}"/>"#,
    ),
    shape(
        "watch chronograph",
        r#"<path d="M80 26h40l4 44H76zM76 130h48l-4 44H80z" fill="{b}"/>"#,
        "M100 60a40 40 0 1 1-.1 0z",
        r##"<circle cx="100" cy="100" r="31" fill="#fff"/><path d="M100 78v22l15 9" fill="none" stroke="{b}" stroke-width="5" stroke-linecap="round"/><path d="M140 95h7v10h-7z" fill="{d}"/>"##,
    ),
    shape(
        "headphone earbud earphone headset muff",
        r#"<path d="M50 120V98q0-52 50-52t50 52v22" fill="none" stroke="{b}" stroke-width="11"/>"#,
        "M40 108h24v52H50q-10 0-10-10zM136 108h24v42q0 10-10 10h-14z",
        r#"<path d="M62 104h10v60H62zM128 104h10v60h-10z" fill="{d}"/>"#,
    ),
    shape(
        "sneaker shoe trainer runner slipper boot loafer",
        r##"<path d="M34 148h134v12q0 8-8 8H44q-10 0-10-10z" fill="#fff"/>"##,
        "M36 96q14 10 30-6l10-10q22 32 56 40 36 6 36 28H34z",
        r#"<path d="M82 92l-14 12M92 102l-14 12M103 110l-13 12" stroke="{c}" stroke-width="5" stroke-linecap="round"/><path d="M34 148h134v6H34z" fill="{d}"/>"#,
    ),
    shape(
        "chair stool armchair rocker bench seat",
        r#"<path d="M62 118l-8 50M138 118l8 50M80 118v44M120 118v44" stroke="{b}" stroke-width="8" stroke-linecap="round"/>"#,
        "M66 36q34-14 68 0l-4 66H70z",
        r#"<path d="M52 102h96q6 0 6 9t-6 9H52q-6 0-6-9t6-9z" fill="{b}"/><path d="M66 36q34-14 68 0l-1 10q-33-12-66 0z" fill="{b}"/>"#,
    ),
    shape(
        "notebook journal diary book planner sketchbook recipe pad",
        r#"<path d="M62 40h86v124H62z" fill="{b}"/>"#,
        "M54 36h84v128H54z",
        r##"<path d="M54 36h14v128H54z" fill="{b}"/><path d="M84 62h40v26H84z" fill="#fff" opacity=".85"/><path d="M118 36h9v40l-4.500-6-4.500 6z" fill="{d}"/>"##,
    ),
    shape(
        "bag tote shopper handbag purse wallet basket hamper",
        r#"<path d="M72 78q0-42 28-42t28 42" fill="none" stroke="{b}" stroke-width="8"/>"#,
        "M48 76h104l10 92H38z",
        r#"<path d="M48 76h104l1 11H47z" fill="{b}"/><circle cx="74" cy="88" r="4" fill="{d}"/><circle cx="126" cy="88" r="4" fill="{d}"/>"#,
    ),
    shape(
        "bottle flask decanter glass tumbler jug carafe goblet jar",
        "",
        "M84 62h32q0 20 12 30 8 7 8 18v48q0 10-10 10H74q-10 0-10-10v-48q0-11 8-18 12-10 12-30z",
        r##"<path d="M82 34h36v28H82z" fill="{d}"/><path d="M74 112v44" stroke="#fff" stroke-width="5" opacity=".5" stroke-linecap="round"/>"##,
    ),
    shape(
        "mug cup teacup beaker coffee tea espresso teapot",
        r#"<path d="M128 84h14q20 0 20 21t-20 21h-14" fill="none" stroke="{b}" stroke-width="10"/>"#,
        "M58 68h72v76q0 24-24 24H82q-24 0-24-24z",
        r##"<ellipse cx="94" cy="68" rx="36" ry="9" fill="{b}"/><path d="M82 50q-8-9 0-18M102 50q-8-9 0-18" fill="none" stroke="#fff" stroke-width="4" opacity=".8" stroke-linecap="round"/>"##,
    ),
    shape(
        "cake baking cookie jelly bread kitchen cutter egg biscuit bake spoon lunch picnic popcorn",
        "",
        "M66 104h68l-10 64H76z",
        r#"<path d="M58 106q-4-22 18-24 2-24 26-24t26 24q20 2 16 24z" fill="{c}"/><path d="M76 110l8 54M100 110v56M124 110l-8 54" stroke="{b}" stroke-width="3"/><circle cx="102" cy="54" r="9" fill="{d}"/>"#,
    ),
    shape(
        "plate bowl dish saucer napkin coaster tray placemat tableware cutlery",
        r#"<circle cx="100" cy="104" r="64" fill="{c}"/>"#,
        "M100 56a48 48 0 1 1-.1 0z",
        r#"<circle cx="100" cy="104" r="30" fill="none" stroke="{c}" stroke-width="3"/><circle cx="100" cy="104" r="62" fill="none" stroke="{d}" stroke-width="3"/>"#,
    ),
    shape(
        "clock alarm timer",
        r#"<path d="M60 168l14-20M140 168l-14-20" stroke="{b}" stroke-width="9" stroke-linecap="round"/><circle cx="66" cy="56" r="17" fill="{d}"/><circle cx="134" cy="56" r="17" fill="{d}"/>"#,
        "M100 48a56 56 0 1 1-.1 0z",
        r##"<circle cx="100" cy="104" r="43" fill="#fff"/><path d="M100 74v30l20 12" fill="none" stroke="{b}" stroke-width="6" stroke-linecap="round"/>"##,
    ),
    shape(
        "frame photo picture mirror print poster canvas album",
        "",
        "M44 40h112v128H44z",
        r##"<path d="M58 54h84v100H58z" fill="#fff"/><path d="M66 146l24-40 18 24 12-14 18 30z" fill="{b}"/><circle cx="118" cy="80" r="11" fill="{d}"/>"##,
    ),
    shape(
        "soap bath shower cosmetic balm toilet beauty washbag sponge",
        r#"<path d="M94 44h12v30H94z" fill="{b}"/><path d="M78 38h38q10 0 10 12H78z" fill="{d}"/>"#,
        "M66 74h68q8 0 8 10v74q0 10-10 10H68q-10 0-10-10V84q0-10 8-10z",
        r##"<path d="M72 104h56v36H72z" fill="#fff" opacity=".85"/><circle cx="148" cy="62" r="8" fill="#fff" opacity=".8"/><circle cx="162" cy="82" r="5" fill="#fff" opacity=".8"/>"##,
    ),
    shape(
        "cushion throw quilt blanket pillow towel rug scarf textile curtain felt warmer",
        "",
        "M44 62q56 14 112 0-14 50 0 100-56-14-112 0 14-50 0-100z",
        r#"<path d="M44 62q56 14 112 0-14 50 0 100-56-14-112 0 14-50 0-100z" fill="none" stroke="{b}" stroke-width="4" stroke-dasharray="7 6"/><circle cx="100" cy="112" r="6" fill="{d}"/>"#,
    ),
    shape(
        "bunting garland balloon party wrap ribbon streamer confetti",
        r#"<path d="M24 52q76 44 152 0" fill="none" stroke="{b}" stroke-width="4"/>"#,
        "M34 60l32 12-10 44zM134 72l32-12-22 56z",
        r#"<path d="M70 74l29 4-12 46zM103 78l28-5-13 50z" fill="{d}"/><circle cx="62" cy="146" r="5" fill="{a}"/><circle cx="104" cy="152" r="5" fill="{d}"/><circle cx="142" cy="140" r="5" fill="{b}"/>"#,
    ),
    shape(
        "toy teddy doll game puzzle children kid bear bunny owl soldier nursery jigsaw",
        r#"<circle cx="66" cy="62" r="19" fill="{b}"/><circle cx="134" cy="62" r="19" fill="{b}"/>"#,
        "M100 50a46 44 0 0 1 30 77q14 12 14 41H56q0-29 14-41a46 44 0 0 1 30-77z",
        r##"<ellipse cx="100" cy="108" rx="20" ry="15" fill="{c}"/><path d="M92 102h16l-8 9z" fill="{b}"/><circle cx="82" cy="88" r="5" fill="#222"/><circle cx="118" cy="88" r="5" fill="#222"/><path d="M84 132l16 9 16-9v18l-16-9-16 9z" fill="{d}"/>"##,
    ),
    shape(
        "card envelope postcard paper stationery letter sticker notelet tag label",
        r##"<path d="M58 40h84v80H58z" fill="#fff"/><path d="M100 96q-34-22-22-36 12-10 22 6 10-16 22-6 12 14-22 36z" fill="{d}"/>"##,
        "M40 88l60 44 60-44v80H40z",
        r#"<path d="M40 168l48-44M160 168l-48-44" stroke="{b}" stroke-width="3"/>"#,
    ),
    shape(
        "sign plaque doormat blackboard door hook knob wall word chime",
        r#"<path d="M60 76l40-40 40 40" fill="none" stroke="{b}" stroke-width="4"/><circle cx="100" cy="36" r="6" fill="{b}"/>"#,
        "M36 76h128q6 0 6 6v62q0 6-6 6H36q-6 0-6-6V82q0-6 6-6z",
        r##"<path d="M42 88h116v50H42z" fill="none" stroke="{c}" stroke-width="3"/><path d="M58 104h84M70 122h60" stroke="#fff" stroke-width="8" stroke-linecap="round"/>"##,
    ),
    shape(
        "plant pot flower garden herb fern monstera succulent palm ivy cactus fig watering tree rose daisy lily",
        r#"<path d="M100 118q-4-44-46-56 0 44 46 56zM100 118q4-58 44-68 8 50-44 68zM100 120q-16-50 2-88 22 40-2 88z" fill="hsl(140 38% 40%)"/><path d="M100 118q-4-44-46-56" fill="none" stroke="hsl(140 40% 28%)" stroke-width="2"/>"#,
        "M64 122h72l-9 46H73z",
        r#"<path d="M58 112h84v15H58z" fill="{b}"/><path d="M70 150h60l-1 6H71z" fill="{d}"/>"#,
    ),
    shape(
        "box tin storage chest cabinet drawer case crate trinket bin rack",
        "",
        "M42 86h116v82H42z",
        r#"<path d="M36 64h128v24H36z" fill="{b}"/><path d="M84 108h32v22H84z" fill="{c}"/><path d="M94 114h12v10H94z" fill="{d}"/>"#,
    ),
    shape(
        "heart decoration hanging love home ornament angel dove",
        r#"<path d="M100 24v54" stroke="{b}" stroke-width="3"/>"#,
        "M100 164q-72-46-52-82 24-30 52 4 28-34 52-4 20 36-52 82z",
        r##"<path d="M64 94q6-14 20-12" fill="none" stroke="#fff" stroke-width="6" opacity=".6" stroke-linecap="round"/><circle cx="100" cy="78" r="6" fill="{d}"/>"##,
    ),
];

/// Words and a tile of 20 by 20.
pub(super) const MOTIFS: [(&str, &str); 6] = [
    (
        "spot spotty polka polkadot retrospot dot",
        r#"<circle cx="5" cy="5" r="3.500"/><circle cx="15" cy="15" r="3.500"/>"#,
    ),
    ("stripe striped stripy linen", r#"<path d="M0 0h20v6H0z"/>"#),
    (
        "heart sweetheart love",
        r#"<path d="M10 16Q0 9 4 5t6 2q2-6 6-2t-6 11z"/>"#,
    ),
    (
        "star snowflake",
        r#"<path d="M10 2l2 6 6 .5-5 4 2 6-5-4-5 4 2-6-5-4 6-.5z"/>"#,
    ),
    (
        "flower floral rose daisy blossom botanical",
        r#"<path d="M10 2q4 0 3 5 5-1 5 3t-5 3q1 5-3 5t-3-5q-5 1-5-3t5-3q-1-5 3-5z"/>"#,
    ),
    (
        "check gingham tartan plaid",
        r#"<path d="M0 0h10v10H0zM10 10h10v10H10z"/>"#,
    ),
];

/// Words and hue, saturation, lightness.
pub(super) const COLOURS: [(&str, (u32, u32, u32)); 14] = [
    ("red cherry scarlet ruby strawberry crimson", (356, 66, 50)),
    ("pink rose blush fuchsia peony", (338, 66, 66)),
    ("blue navy cobalt denim ocean harbour", (212, 56, 48)),
    ("turquoise teal aqua lagoon", (180, 50, 44)),
    ("green sage olive moss mint forest fern", (138, 34, 44)),
    ("yellow mustard lemon citrus", (46, 84, 56)),
    ("orange terracotta rust apricot ember sunset", (20, 68, 54)),
    ("purple lilac lavender plum amethyst violet", (276, 40, 56)),
    ("brown chocolate walnut oak wooden wood tan chestnut", (28, 40, 42)),
    ("black onyx charcoal midnight", (220, 10, 26)),
    ("white cloud", (36, 20, 84)),
    ("ivory cream sand antique oat dune", (40, 42, 78)),
    ("silver grey gray slate metal zinc steel frost", (212, 10, 60)),
    ("gold golden brass amber", (42, 62, 52)),
];

//! The words of the shop: categories, what is sold in them, brands.

/// A category of the shop.
pub(super) struct Category {
    pub name: &'static str,
    /// Price of an ordinary piece.
    pub price: (f64, f64),
    /// Days of the year are not simulated; a phase of the season is, from 0 to 1.
    pub peak: f64,
    pub things: &'static [&'static str],
    pub makes: &'static [&'static str],
    pub uses: &'static [&'static str],
}

pub(super) const CATEGORIES: [Category; 10] = [
    Category {
        name: "Mugs & Teapots",
        price: (9.0, 34.0),
        peak: 0.9,
        things: &["Mug", "Espresso Cup", "Teapot", "Travel Mug", "Latte Mug", "Tea Cup"],
        makes: &["Stoneware", "Porcelain", "Speckled", "Enamel", "Hand-thrown", "Ribbed", "Matte", "Striped"],
        uses: &["Keeps its heat through a long chapter.", "Safe in the dishwasher and the microwave.", "Stacks neatly on a narrow shelf."],
    },
    Category {
        name: "Lamps",
        price: (29.0, 149.0),
        peak: 1.0,
        things: &["Table Lamp", "Reading Lamp", "Lantern", "Floor Lamp", "Bedside Lamp"],
        makes: &["Linen", "Brass", "Oak", "Paper", "Opal Glass", "Rattan", "Steel", "Terracotta"],
        uses: &["A warm light that dims in three steps.", "Takes any common E27 bulb.", "Throws a soft pool of light where you read."],
    },
    Category {
        name: "Chairs & Stools",
        price: (59.0, 289.0),
        peak: 0.3,
        things: &["Dining Chair", "Bar Stool", "Armchair", "Folding Chair", "Rocker", "Bench"],
        makes: &["Ash", "Walnut", "Cane", "Velvet", "Bouclé", "Powder-coated", "Oak", "Corduroy"],
        uses: &["Goes together with four screws and one key.", "Stands level on old floors.", "Made for long dinners."],
    },
    Category {
        name: "Backpacks & Bags",
        price: (35.0, 159.0),
        peak: 0.05,
        things: &["Backpack", "Tote", "Daypack", "Rucksack", "Messenger Bag", "Weekend Bag"],
        makes: &["Waxed Canvas", "Recycled", "Roll-top", "Leather", "Waterproof", "Ripstop", "Quilted", "Cotton"],
        uses: &["Fits a laptop of 15 inches and lunch.", "Keeps rain out for a whole commute.", "The straps are sewn twice."],
    },
    Category {
        name: "Sneakers",
        price: (49.0, 169.0),
        peak: 0.2,
        things: &["Sneaker", "Runner", "Trainer", "High-top Sneaker", "Trail Shoe", "Slip-on Shoe"],
        makes: &["Court", "Suede", "Knit", "Canvas", "Retro", "Mesh", "Vegan", "Gum-sole"],
        uses: &["A soft sole that can be replaced.", "Breathes on warm days.", "Broken in from the first walk."],
    },
    Category {
        name: "Headphones",
        price: (39.0, 299.0),
        peak: 0.95,
        things: &["Headphones", "On-ear Headphones", "Studio Headphones", "Earbuds", "Travel Headphones"],
        makes: &["Wireless", "Noise-cancelling", "Open-back", "Folding", "Compact", "Bass", "Hi-Res", "Lightweight"],
        uses: &["Thirty hours on one charge.", "Ear cushions come off for washing.", "Talks to two devices at once."],
    },
    Category {
        name: "Plants & Pots",
        price: (8.0, 69.0),
        peak: 0.1,
        things: &["Monstera", "Fig Tree", "Fern", "Succulent", "Herb Pot", "Palm", "Planter Pot"],
        makes: &["Hanging", "Miniature", "Terracotta", "Glazed", "Hardy", "Trailing", "Grandiflora", "Woven"],
        uses: &["Content with a north window.", "Forgives a forgotten watering.", "Arrives rooted, with a card on its care."],
    },
    Category {
        name: "Notebooks & Journals",
        price: (6.0, 39.0),
        peak: 0.0,
        things: &["Notebook", "Journal", "Planner", "Sketchbook", "Travel Diary", "Recipe Book"],
        makes: &["Dotted", "Linen-bound", "Leather", "Recycled", "Pocket", "Hardcover", "Softcover", "Letterpress"],
        uses: &["Lies flat from the first page to the last.", "Paper that fountain pens like.", "With a pocket for tickets at the back."],
    },
    Category {
        name: "Watches",
        price: (69.0, 389.0),
        peak: 0.85,
        things: &["Watch", "Field Watch", "Diver Watch", "Chronograph", "Dress Watch"],
        makes: &["Automatic", "Quartz", "Titanium", "Moonphase", "Solar", "Mesh", "Minimal", "Classic"],
        uses: &["Water-resistant to 50 metres.", "The strap changes without tools.", "Sapphire glass, domed a little."],
    },
    Category {
        name: "Cushions & Throws",
        price: (15.0, 95.0),
        peak: 0.75,
        things: &["Cushion", "Throw", "Floor Cushion", "Blanket", "Quilt", "Rug"],
        makes: &["Wool", "Linen", "Mohair", "Checked", "Tufted", "Velvet", "Herringbone", "Knitted"],
        uses: &["Washes at thirty degrees.", "Woven in small runs.", "The cover has a hidden zip."],
    },
];

/// A brand, and how dear it is.
pub(super) const BRANDS: [(&str, f64); 20] = [
    ("Alder & Finch", 1.1),
    ("Bergholm", 1.3),
    ("Casa Lume", 1.0),
    ("Dovetail", 0.9),
    ("Eastway", 0.7),
    ("Fjordlight", 1.4),
    ("Greycoat", 1.2),
    ("Hallmoor", 0.8),
    ("Isolde", 1.5),
    ("Juniper Lane", 0.9),
    ("Kestrel", 1.0),
    ("Lowtide", 0.8),
    ("Marlowe", 1.2),
    ("Nordby", 1.0),
    ("Oddfellow", 0.7),
    ("Pinecroft", 0.8),
    ("Quayside", 1.0),
    ("Rosenthaler", 1.5),
    ("Saltmarsh", 0.9),
    ("Tilda Wren", 1.1),
];

/// Names of collections, each with the look of one style: what customers of a taste recognize across categories.
pub(super) const COLLECTIONS: [[&str; 3]; super::taste::STYLES] = [
    ["Fern", "Moss", "Sage"],
    ["Harbour", "Navy", "Ocean"],
    ["Dune", "Sand", "Oat"],
    ["Ember", "Rust", "Terracotta"],
    ["Onyx", "Charcoal", "Midnight"],
    ["Blush", "Rose", "Peony"],
    ["Citrus", "Lemon", "Mustard"],
    ["Frost", "Silver", "Slate"],
    ["Plum", "Lavender", "Violet"],
    ["Cherry", "Scarlet", "Ruby"],
    ["Teal", "Lagoon", "Aqua"],
    ["Walnut", "Chestnut", "Tan"],
    ["Cloud", "White", "Ivory"],
    ["Apricot", "Sunset", "Amber"],
];

/// How a style speaks in a description.
pub(super) const MOODS: [&str; super::taste::STYLES] = [
    "quiet and green, like a path in a wood",
    "crisp, for mornings by the water",
    "pale and calm, as beaches are in October",
    "warm, with the colours of a kiln",
    "dark and plain, with nothing to spare",
    "soft, a little romantic",
    "bright enough for grey days",
    "cool and exact, a Nordic winter",
    "moody, with a hint of dusk",
    "bold, and not shy about it",
    "fresh, somewhere between green and blue",
    "sturdy and brown, made to age well",
    "airy, light on light",
    "golden, as late light is",
];

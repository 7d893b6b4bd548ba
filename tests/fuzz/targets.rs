//! What is fuzzed: one function per target, which must end without a panic whatever the bytes. The fuzzer calls them, and so does
//! `tests/crashers.rs` with what was found.

#[path = "../support/random.rs"]
mod random;

use arbitrary::Unstructured;
use base64ct::{Base64UrlUnpadded, Encoding};
use pocketrank::condition::Value;
use pocketrank::experiment::{self, Experiments, Visitor};
use pocketrank::pack::{Content, Factors, Gram, SnapshotBuilder};
use pocketrank::rule::{compile_rules, Ask, Moves, Rule, Rules};
use pocketrank::template::{compile as compile_templates, Escape, Op, Source, Templates, Value as Field};
use pocketrank::{
    capsule, diff, edge, item_hash, AttributeRow, Blend, BlendRow, Candidates, CapsuleGrant, Choice, Consent, Delta,
    Error, EventKind, Labels, Loader, Manifest, Meta, Mode, Options, PriorRow, Profile, Ranker, SecretKey, Signals,
    Snapshot, Trust, NO_ROW,
};
use random::{builder, events, id, Rng, NOW};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// Items of the model that is damaged.
const ITEMS: usize = 40;

/// Bytes as they come.
pub fn snapshot(bytes: &[u8]) {
    use_snapshot(bytes);
}

/// What the checksum keeps from [`snapshot`]: a valid model, packed from any tables or damaged within its sections, with a header
/// that fits.
pub fn snapshot_structured(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let model = match u.arbitrary() {
        Ok(true) => drawn(u).ok().and_then(|model| model.build().ok()),
        _ => Some(model().to_vec()),
    };
    let Some(model) = model else { return };
    let mut sections = split(&model);
    if !u.is_empty() {
        let _ = damage(u, &mut sections);
    }
    let whole = join(&sections);
    use_snapshot(&whole);
    if sections == split(&model) {
        assert_eq!(whole, model);
        Snapshot::open(&model).unwrap().verify().unwrap();
    }
}

/// A snapshot that arrives in pieces: whatever they are, it is taken in as it is, or refused for what refuses it in one piece.
pub fn loader(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let Ok((known, max_bytes, lengths)) = u.arbitrary::<(bool, u16, [u16; 8])>() else {
        return;
    };
    let rest = u.take_rest();
    let whole = if known { edited(rest) } else { rest.to_vec() };
    let max_bytes = usize::from(max_bytes);
    let once = load([whole.as_slice()], max_bytes);
    let (mut ahead, mut lengths) = (whole.as_slice(), lengths.into_iter().cycle());
    let pieces = std::iter::from_fn(|| {
        let length = lengths.next().map_or(1, |length| 1 + usize::from(length % 300));
        let piece = ahead.get(..length).unwrap_or(ahead);
        ahead = &ahead[piece.len()..];
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(load(pieces, max_bytes), once);
    match once {
        Ok(taken) => assert_eq!(taken, whole),
        Err(error) => assert!(whole.len() > max_bytes || Snapshot::open(&whole).is_err(), "{error}"),
    }
}

/// A small model with some bytes changed, added or cut off, three bytes of `edits` each.
fn edited(edits: &[u8]) -> Vec<u8> {
    let mut whole = model().to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        match whole.get_mut(at) {
            Some(byte) => *byte = edit[2],
            None if at == usize::from(u16::MAX) => whole.truncate(whole.len() - usize::from(edit[2]).min(whole.len())),
            None => whole.push(edit[2]),
        }
    }
    whole
}

fn load<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max_bytes: usize) -> Result<Vec<u8>, Error> {
    let mut loader = Loader::new(max_bytes);
    for mut piece in pieces {
        while !piece.is_empty() {
            let room = loader.room(piece.len())?;
            let (now, later) = piece.split_at(room.len());
            room.copy_from_slice(now);
            piece = later;
        }
    }
    let taken = loader.into_bytes();
    // Nothing is reserved that is not allowed, but for the 16 bytes that tell the length, while a list that grows doubles.
    assert!(taken.capacity() <= max_bytes.max(32));
    Ok(taken)
}

/// A delta, as it comes; of the small model to any other and back, which must come out, in one go as well; and those with damaged patches,
/// which must end.
pub fn delta(bytes: &[u8]) {
    use_delta(model(), bytes);
    let u = &mut Unstructured::new(bytes);
    let other = match u.arbitrary() {
        Ok(true) => drawn(u).ok().and_then(|model| model.build().ok()),
        _ => redrawn(u).ok(),
    };
    let Some(other) = other else { return };
    let (mut chain, mut damaged) = (vec![], vec![]);
    for (base, target) in [(model(), other.as_slice()), (&other, model())] {
        let mut delta = diff(&Snapshot::open(base).unwrap(), &Snapshot::open(target).unwrap()).unwrap();
        assert_eq!(use_delta(base, &delta).as_deref(), Some(target));
        chain.push(delta.clone());
        for _ in 0..u.int_in_range(0..=8).unwrap_or_default() {
            let (at, byte) = u.arbitrary::<(u16, u8)>().unwrap_or_default();
            // Both hashes stay, so that damage reaches the patches.
            let at = 80 + usize::from(at) % (delta.len() - 80);
            delta[at] = byte;
        }
        if let Some(made) = use_delta(base, &delta) {
            assert_eq!(made, target);
        }
        damaged.push(delta);
    }
    assert_eq!(use_chain(model(), &chain).as_deref(), Some(model()));
    if let Some(made) = use_chain(model(), &damaged) {
        assert_eq!(made, model());
    }
}

/// What a chain of deltas makes of a base, if it makes anything.
fn use_chain(base: &[u8], deltas: &[Vec<u8>]) -> Option<Vec<u8>> {
    let deltas: Result<Vec<_>, _> = deltas.iter().map(|delta| Delta::open(delta)).collect();
    Delta::apply_chain(&Snapshot::open(base).unwrap(), &deltas.ok()?).ok()
}

/// What a delta makes of a base, if it makes anything.
fn use_delta(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let delta = Delta::open(delta).ok()?;
    for patch in delta.patches() {
        patch.rows();
    }
    let made = delta.apply(&Snapshot::open(base).unwrap()).ok()?;
    assert_eq!(
        (made.len(), made.capacity()),
        (delta.target_length(), delta.target_length())
    );
    Some(made)
}

/// The small model, some of its rows changed.
fn redrawn(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let mut model = builder(&mut Rng(1), ITEMS);
    for _ in 0..u.int_in_range(0..=8)? {
        let row = u.choose_index(ITEMS)?;
        model.prior[row].popularity = u.arbitrary()?;
        model.attributes[row].category = u.int_in_range(0..=7)?;
        model.neighbours[row] = neighbours(u, row, ITEMS)?;
        if u.arbitrary()? {
            model.ids[row] = format!("new-{row}");
        }
    }
    Ok(model.build().unwrap_or_else(|_| self::model().to_vec()))
}

/// A manifest as it comes, and one whose payload is that and whose signature holds.
pub fn manifest(bytes: &[u8]) {
    static KEY: OnceLock<SecretKey> = OnceLock::new();
    let key = KEY.get_or_init(|| SecretKey::from_seed(&[7; 32]).unwrap());
    let trust = Trust {
        audience: "shop.example".into(),
        keys: vec![key.public()],
        sequence: 0,
    };
    assert!(Manifest::read(bytes, &trust).is_err());
    let Ok(manifest) = Manifest::read(&resigned(bytes), &trust) else {
        return;
    };
    // What was read can be signed again, and is then read as it was.
    let signed = manifest.sign(std::slice::from_ref(key)).unwrap();
    assert_eq!(Manifest::read(&signed, &trust).unwrap(), manifest);
}

/// The payload with a signature that holds, of whatever it is.
fn resigned(payload: &[u8]) -> Vec<u8> {
    let pair = ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new([7; 32]));
    let head = b"PKRM\x01\0";
    let signature = pair.sk.sign([head.as_slice(), payload].concat(), None);
    let id = &Sha256::digest(*pair.pk)[..8];
    [head.as_slice(), &[1, 0], id, signature.as_slice(), payload].concat()
}

/// A profile from the device, as it is and behind the checksum.
pub fn profile(bytes: &[u8]) {
    let grant = random::grant();
    for bytes in [bytes.to_vec(), checked::<8>(bytes)] {
        if let Ok(profile) = Profile::decode(&grant, &bytes) {
            assert_eq!(Profile::decode(&grant, &profile.encode(&grant)).as_ref(), Ok(&profile));
            let held = bytes.strip_suffix(bytes.last_chunk::<8>().unwrap().as_slice()).unwrap();
            assert_eq!(Profile::restore(&grant, held).as_ref(), Ok(&profile));
            use_profile(profile);
        }
    }
}

/// Whatever it holds ranks; of what is too old nothing is left, and forgetting it again changes nothing; what comes is taken in, within its bounds.
fn use_profile(mut profile: Profile) {
    rank(Snapshot::open(model()).unwrap(), &profile, true);
    for day in [0, NOW / 86_400, u32::MAX] {
        profile.forget_before(day);
        assert!(profile.events().iter().all(|event| event.at / 86_400 >= day));
        assert!(profile
            .aggregates()
            .all(|folded| folded.first >= day && folded.last >= folded.first));
        let before = profile.clone();
        profile.forget_before(day);
        assert_eq!(profile, before);
    }
    let grant = random::grant();
    for event in &events(&mut Rng(2), 300, ITEMS) {
        profile.record(&grant, *event);
    }
    assert!(profile.events().len() <= 256 && profile.aggregates().count() <= 256);
    assert_eq!(Profile::decode(&grant, &profile.encode(&grant)), Ok(profile));
}

/// A capsule, as it is and behind encoding and checksum.
pub fn capsule(bytes: &[u8]) {
    let grant = capsule_grant();
    let texts = [
        String::from_utf8_lossy(bytes).into_owned(),
        Base64UrlUnpadded::encode_string(&checked::<4>(bytes)),
    ];
    for text in texts {
        let choice = capsule::choice(&text, NOW);
        let Ok(profile) = capsule::decode(&grant, &text, NOW) else {
            continue;
        };
        assert!(choice.is_ok());
        assert!(profile.events().is_sorted_by_key(|event| event.at));
        let again = capsule::decode(&grant, &capsule::encode(&profile, &grant, NOW), NOW).unwrap();
        let wanted = |event: &&pocketrank::Event| event.kind != EventKind::ViewItemList;
        assert!(again.events().iter().eq(profile.events().iter().filter(wanted)));
        let cookies = format!("a=b; {}={text}", capsule::COOKIE);
        assert_eq!(edge::profile(true, None, Some(&cookies), NOW), profile);
        assert_eq!(edge::strip_capsule(&cookies).as_deref(), Some("a=b"));
    }
}

/// Headers, paths and attributes that reach the edge.
pub fn edge(bytes: &[u8]) {
    let [text, other] = &texts(bytes);
    if let Some(kept) = edge::strip_capsule(text) {
        assert!(!kept.contains(capsule::COOKIE));
        assert_eq!(edge::strip_capsule(&kept).as_ref(), Some(&kept));
    }
    edge::profile(true, None, Some(text), NOW);
    assert_eq!(edge::profile(true, Some(other), Some(text), NOW), Profile::default());
    if let Some(pages) = edge::Pages::parse(text) {
        assert!(!pages.contains(other) || other.starts_with('/'));
        assert!(!pages.accept("GET", other, |_| true));
    }
    if let Some(options) = edge::slot_options(Some(text)) {
        assert!((1..=edge::MAX_COUNT).contains(&options.count));
    }
    if let Some(file) = edge::list_file(text) {
        assert_eq!(file, format!("candidates/{text}.json"));
        assert!(!text.contains(['/', '.', '%']));
    }
    edge::is_page(200, Some(text));
    edge::asset_cache_control(text, 200);
    if edge::is_published(text) {
        assert_eq!(text.matches('/').count(), 1);
        assert!(!text.contains("..") && !text.contains(['%', '?', '#', '\\', ':']));
    }
}

/// The built-in card keeps its elements, and its links their schemes; a template of any text compiles or is refused, and keeps its marks
/// whatever it is filled with; a section of any bytes is read or refused, and what is read ends.
pub fn template(bytes: &[u8]) {
    let [id, name, url, image, price_text, category] = texts(bytes);
    let templates = Templates::built_in();
    let card = |texts: [&str; 6]| {
        let names = ["id", "name", "url", "image", "price_text", "category"];
        let field = |(name, text)| Some((templates.name(name)?, Field::text(text)));
        let card = Field::Fields(names.into_iter().zip(texts).filter_map(field).collect());
        let list = templates.name("items").map(|items| (items, Field::List(vec![card])));
        templates.render("slot", &Field::Fields(Vec::from_iter(list))).unwrap()
    };
    let html = card([&id, &name, &url, &image, &price_text, &category]);
    keeps_marks(&html, &card([""; 6]));
    assert!(!html.contains(['\'', '\0']));
    for url in [&url, &image] {
        let scheme = scheme(pocketrank::template::safe_url(url));
        assert!(["", "http", "https"].contains(&scheme.as_str()), "{url:?}");
    }

    if let Ok(read) = Templates::read(bytes) {
        fill(&read, "x");
    }
    let source = Source {
        name: "t".into(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    };
    let Ok(compiled) = compile_templates(&[source], &[]) else {
        return;
    };
    assert_eq!(Templates::read(&compiled.to_bytes().unwrap()).unwrap(), compiled);
    let escapes = compiled.all().iter().flat_map(|template| &template.ops);
    assert!(!escapes.clone().any(|op| matches!(
        op,
        Op::Value {
            escape: Escape::Raw,
            ..
        }
    )));
    let (hostile, plain) = (fill(&compiled, "'\"><script>&"), fill(&compiled, "x"));
    for (hostile, plain) in hostile.into_iter().zip(plain) {
        if let (Ok(hostile), Ok(plain)) = (hostile, plain) {
            keeps_marks(&hostile, &plain);
        }
    }
}

fn keeps_marks(html: &str, plain: &str) {
    for mark in ['<', '>', '"', '\''] {
        assert_eq!(html.matches(mark).count(), plain.matches(mark).count(), "{html}");
    }
}

/// What templates make where every field is a list of two texts.
fn fill(templates: &Templates, text: &str) -> Vec<Result<String, Error>> {
    let value = || Field::List(vec![Field::text(text), Field::text(text)]);
    let fields = (0..).zip(templates.names()).map(|(name, _)| (name, value()));
    let data = Field::Fields(fields.collect());
    let all = templates.all().iter();
    all.map(|template| templates.render(&template.name, &data)).collect()
}

/// The texts between separators, empty where there are no more.
fn texts<const N: usize>(bytes: &[u8]) -> [String; N] {
    let text = String::from_utf8_lossy(bytes);
    let mut texts = text.splitn(N, '\u{1f}');
    [(); N].map(|()| texts.next().unwrap_or_default().into())
}

/// Features and experiments: as they come, and those of a payload with some bytes changed. What decodes gives every visitor of every feature a
/// value, in time.
pub fn experiments(bytes: &[u8]) {
    use_experiments(bytes);
    let _ = Value::decode(bytes);
    let mut known = postcard::to_allocvec(payload()).unwrap();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % known.len();
        known[at] = edit[2];
    }
    use_experiments(&known);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = experiment::compile(text, &experiment::Options::default());
    }
}

fn use_experiments(bytes: &[u8]) {
    let Ok(experiments) = Experiments::decode(bytes) else {
        return;
    };
    // By its bytes, for NaN differs from itself.
    let theirs: Experiments = postcard::from_bytes(bytes).unwrap();
    assert_eq!(postcard::to_allocvec(&experiments), postcard::to_allocvec(&theirs));
    let attributes = Value::Object(vec![
        ("country".into(), "de".into()),
        ("version".into(), "1.10.0".into()),
        ("hour".into(), 7u32.into()),
        (
            "tags".into(),
            Value::List(vec!["A".into(), Value::Null, Value::List(vec![])]),
        ),
        ("page".into(), Value::Object(vec![("kind".into(), "product".into())])),
    ]);
    for lot in [0, 1_234, 4_095] {
        let mut profile = Profile::default();
        profile.draw_lot(&random::grant(), lot);
        let mut visitor = Visitor::of(&profile, &attributes);
        let mut json = String::new();
        for feature in &experiments.features {
            experiments.feature(&feature.key, &mut visitor).write_json(&mut json);
        }
        for experiment in &experiments.experiments {
            experiments
                .run(&experiment.key, &mut visitor)
                .unwrap()
                .write_json(&mut json);
            experiment.shares();
        }
        let _ = experiments.settings(&mut visitor);
        profile.keep(&random::grant(), &visitor);
    }
}

/// Rules: as they come, and those of the cases with some bytes changed. What can be read applies to a slate.
pub fn rules(bytes: &[u8]) {
    let _ = Rules::decode(bytes);
    let each: Vec<Vec<u8>> = shop_rules()
        .iter()
        .map(|rule| postcard::to_allocvec(rule).unwrap())
        .collect();
    let mut known = postcard::to_allocvec(&each).unwrap();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % known.len();
        known[at] = edit[2];
    }
    if let Ok(rules) = Rules::decode(&known) {
        let mut snapshot = Snapshot::open(model()).unwrap();
        apply_rules(&rules, &mut snapshot);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = compile_rules(text);
    }
}

fn use_rules(snapshot: &Snapshot<&[u8]>) {
    if let Ok(rules) = snapshot.rules() {
        apply_rules(&rules, &mut snapshot.clone());
    }
}

fn apply_rules(rules: &Rules, snapshot: &mut Snapshot<&[u8]>) {
    let profile = random::profile(&events(&mut Rng(1), 30, ITEMS));
    let attributes = Value::Object(vec![("country".into(), "de".into())]);
    let mut ranker = Ranker::new(snapshot.clone());
    ranker.set_profile(&profile, NOW);
    let candidates = Candidates::from_rows((0..64).chain([NO_ROW, 1 << 20]).collect());
    for slot in ["home-hero", "similar"] {
        let ask = Ask {
            slot,
            attributes: &attributes,
            profile: &profile,
            now: NOW,
        };
        let orders = rules.orders(snapshot, &ask, |_| true);
        let moves = Moves::resolve(&orders, snapshot);
        let slate = ranker.rerank_by(&candidates, &Options::default(), &moves);
        assert!(slate.len() <= Options::default().count);
        let _ = ranker.effects(3, &moves);
    }
}

/// The rules of the cases.
fn shop_rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| compile_rules(include_str!("../cases/rules.json")).unwrap().rules)
}

/// A payload with something of everything.
fn payload() -> &'static Experiments {
    static PAYLOAD: OnceLock<Experiments> = OnceLock::new();
    PAYLOAD.get_or_init(|| {
        let json = include_str!("../cases/experiments.json");
        experiment::compile(json, &experiment::Options::default())
            .unwrap()
            .experiments
    })
}

/// The scheme of a URL as browsers read it (WHATWG URL, basic URL parser), empty for none.
fn scheme(url: &str) -> String {
    let blank = |char: char| char <= ' ';
    let url = url.trim_matches(blank).replace(['\t', '\n', '\r'], "");
    let Some((scheme, _)) = url.split_once(':') else {
        return String::new();
    };
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if scheme.starts_with(|char: char| char.is_ascii_alphabetic()) && scheme.bytes().all(valid) {
        scheme.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// Uses everything that a host uses. What verifies must rank, explain and slice as promised; what does not must end.
fn use_snapshot(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::open(bytes) else { return };
    let valid = snapshot.verify().is_ok();
    let _ = snapshot.labels();
    let _ = snapshot.experiments();
    use_rules(&snapshot);
    match snapshot.slice((0..ITEMS).step_by(3).map(|row| item_hash(&id(row)))) {
        Ok(slice) => {
            let slice = Snapshot::open(slice.as_slice()).unwrap();
            slice.verify().unwrap();
            rank(slice, known(), true);
        }
        Err(error) => assert!(!valid, "{error}"),
    }
    rank(snapshot, known(), valid);
}

/// A visitor who looked at what the model has.
fn known() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| random::profile(&events(&mut Rng(1), 30, ITEMS)))
}

fn rank(snapshot: Snapshot<&[u8]>, profile: &Profile, valid: bool) {
    let candidates = Candidates::from_rows((0..64).chain([NO_ROW, 1 << 20]).collect());
    let options = Options {
        diversity: 0.4,
        exclude_purchased: true,
        ..Options::default()
    };
    let mut ranker = Ranker::new(snapshot);
    ranker.set_profile(profile, NOW);
    let slate = ranker.rerank(&candidates, &options).to_vec();
    for ranked in slate {
        assert!(ranked.score.is_finite());
        let explained = ranker.explain(ranked.row);
        assert!(
            !valid || explained.score == ranked.score,
            "{explained:?} for {ranked:?}"
        );
    }
}

/// A small model with all sections.
fn model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| builder(&mut Rng(1), ITEMS).build().unwrap())
}

type Sections = Vec<([u8; 4], Vec<u8>)>;

/// The sections of a valid snapshot, by their tags.
fn split(snapshot: &[u8]) -> Sections {
    let number = |at: usize| u32::from_le_bytes(snapshot[at..at + 4].try_into().unwrap()) as usize;
    let entries = (0..usize::from(snapshot[6])).map(|at| 48 + 12 * at);
    let section = |at: usize| {
        let start = number(at + 4);
        let tag = snapshot[at..at + 4].try_into().unwrap();
        (tag, snapshot[start..start + number(at + 8)].to_vec())
    };
    entries.map(section).collect()
}

/// Puts sections behind a header and a table that fit them.
fn join(sections: &Sections) -> Vec<u8> {
    let (mut table, mut content) = (vec![], vec![]);
    let first = 48 + 12 * sections.len();
    for (tag, bytes) in sections {
        content.resize((first + content.len()).next_multiple_of(8) - first, 0);
        table.extend(tag);
        table.extend(((first + content.len()) as u32).to_le_bytes());
        table.extend((bytes.len() as u32).to_le_bytes());
        content.extend(bytes);
    }
    let mut out = b"PKRK\x01\0".to_vec();
    out.extend((sections.len() as u16).to_le_bytes());
    out.extend(((first + content.len()) as u64).to_le_bytes());
    let hash = Sha256::new()
        .chain_update(&out)
        .chain_update(&table)
        .chain_update(&content)
        .finalize();
    out.extend(hash);
    out.extend(table);
    out.extend(content);
    out
}

/// Changes, adds and takes out bytes, and takes out whole sections.
fn damage(u: &mut Unstructured<'_>, sections: &mut Sections) -> arbitrary::Result<()> {
    while !u.is_empty() {
        let section = u.choose_index(sections.len())?;
        let bytes = &mut sections[section].1;
        let at = u.int_in_range(0..=bytes.len())?;
        match u.int_in_range(0..=15)? {
            0 => drop(sections.remove(section)),
            1 => bytes.insert(at, u.arbitrary()?),
            2 => bytes.truncate(at),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {
                let new = u.arbitrary()?;
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = new);
            }
        }
    }
    Ok(())
}

/// Any model, near enough to a valid one that most can be packed.
fn drawn(u: &mut Unstructured<'_>) -> arbitrary::Result<SnapshotBuilder> {
    let items = u.int_in_range(0..=12)?;
    let rows = u.int_in_range(1..=3)?;
    let mut source = 0..;
    Ok(SnapshotBuilder {
        meta: Meta {
            items: u.arbitrary()?,
            model: u.arbitrary()?,
            trained_until: u.arbitrary()?,
            min_customers: u.arbitrary()?,
            currency: u.arbitrary()?,
        },
        blend: Blend {
            kinds: u
                .arbitrary::<[i8; EventKind::COUNT]>()?
                .map(|kind| i16::from(kind) * 16),
            decay: table(u, 32_768)?,
            newness: table(u, 32_768)?,
            times: table(u, u16::MAX)?,
            repeat_times: table(u, u16::MAX)?,
            cold: table(u, u16::MAX)?,
            rows: (0..rows).map(|at| blend_row(u, at)).collect::<arbitrary::Result<_>>()?,
            ..Blend::default()
        },
        ids: (0..items).map(id).collect(),
        prior: some(u, items, |u| {
            let (popularity, trend, first_seen) = u.arbitrary()?;
            Ok(PriorRow {
                popularity,
                trend,
                first_seen,
            })
        })?,
        attributes: some(u, items, |u| {
            Ok(AttributeRow {
                category: u.int_in_range(0..=3)?,
                brand: u.int_in_range(0..=3)?,
                price_band: u.int_in_range(0..=3)?,
            })
        })?,
        labels: Labels {
            categories: names(u)?,
            brands: names(u)?,
            price_bands: names(u)?,
        },
        neighbours: some(u, items, |u| neighbours(u, source.next().unwrap_or_default(), items))?,
        coded: None,
        code_bits: u.int_in_range(4..=9)?,
        factors: if u.arbitrary()? { Some(factors(u, items)?) } else { None },
        content: if u.arbitrary()? { Some(content(u, items)?) } else { None },
        experiments: if u.arbitrary()? { Some(payload().clone()) } else { None },
        rules: if u.arbitrary()? { shop_rules().to_vec() } else { vec![] },
        templates: u.arbitrary::<bool>()?.then(Templates::built_in),
    })
}

fn blend_row(u: &mut Unstructured<'_>, at: u16) -> arbitrary::Result<BlendRow> {
    Ok(BlendRow {
        min_history: at * u.int_in_range(1..=9)?,
        recency: table(u, 32_768)?,
        repeat_recency: table(u, 32_768)?,
        neighbours: weight(u)?,
        repeat: weight(u)?,
        factors: weight(u)?,
        content: weight(u)?,
        category: weight(u)?,
        brand: weight(u)?,
        price_band: weight(u)?,
        popularity: weight(u)?,
        trend: weight(u)?,
        newness: weight(u)?,
    })
}

fn names(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<String>> {
    let len = u.int_in_range(3..=4)?;
    list(u, len, |u| u.arbitrary())
}

fn neighbours(u: &mut Unstructured<'_>, source: usize, items: usize) -> arbitrary::Result<Vec<(u32, f32)>> {
    let mut row = vec![];
    for target in 0..items {
        if u.arbitrary()? && (target != source || rarely(u)?) {
            row.push((target as u32, weight(u)?.abs() + 0.01));
        }
    }
    Ok(row)
}

fn factors(u: &mut Unstructured<'_>, items: usize) -> arbitrary::Result<Factors> {
    let dims = u.int_in_range(1..=4)?;
    let rows = list(u, dims * items, weight)?;
    let mut gram = None;
    if u.arbitrary()? {
        let mut matrix = vec![0.0; dims * dims];
        for at in 0..dims {
            matrix[at * (dims + 1)] = weight(u)?.abs();
        }
        let len = u.int_in_range(1..=3)?;
        gram = Some(Gram {
            matrix: if rarely(u)? {
                list(u, dims * dims, weight)?
            } else {
                matrix
            },
            ridge: list(u, len, |u| Ok(weight(u)?.abs()))?,
            confidence: weight(u)?.abs(),
        });
    }
    Ok(Factors {
        dims,
        rows,
        gram,
        unit: None,
    })
}

/// Vectors with a single 1 mostly: others have another length, which is an error.
fn content(u: &mut Unstructured<'_>, items: usize) -> arbitrary::Result<Content> {
    let dims = u.int_in_range(1..=4)?;
    let mut rows = vec![0.0; dims * items];
    for row in rows.chunks_mut(dims) {
        row[u.choose_index(dims)?] = if rarely(u)? { weight(u)? } else { 1.0 };
    }
    Ok(Content { dims, rows, unit: None })
}

/// Mostly a number within ±8, else any.
fn weight(u: &mut Unstructured<'_>) -> arbitrary::Result<f32> {
    if rarely(u)? {
        return u.arbitrary();
    }
    Ok(f32::from(u.arbitrary::<i8>()?) / 16.0)
}

fn table(u: &mut Unstructured<'_>, most: u16) -> arbitrary::Result<Vec<u16>> {
    let len = if rarely(u)? { 0 } else { u.int_in_range(1..=4)? };
    list(u, len, |u| u.int_in_range(0..=most))
}

/// Once in 256 times; never where the bytes have run out, which gives zeros.
fn rarely(u: &mut Unstructured<'_>) -> arbitrary::Result<bool> {
    Ok(u.arbitrary::<u8>()? == u8::MAX)
}

/// A list as long as there are items, or an empty one.
fn some<T>(
    u: &mut Unstructured<'_>,
    items: usize,
    one: impl FnMut(&mut Unstructured<'_>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    let len = if u.arbitrary()? { items } else { 0 };
    list(u, len, one)
}

fn list<T>(
    u: &mut Unstructured<'_>,
    len: usize,
    mut one: impl FnMut(&mut Unstructured<'_>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    (0..len).map(|_| one(u)).collect()
}

/// The bytes and the first `N` of their SHA-256.
fn checked<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    [bytes, &Sha256::digest(bytes)[..N]].concat()
}

fn capsule_grant() -> CapsuleGrant {
    let choice = Some(Choice {
        mode: Mode::Session,
        capsule: true,
    });
    let signals = Signals {
        choice,
        ..Signals::default()
    };
    Consent::decide(&signals).capsule_grant().unwrap()
}

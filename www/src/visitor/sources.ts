/**
 * The sources of consent that a shop names on its script tag: IAB TCF, IAB GPP and Google's Consent Mode. A module of its own, loaded only
 * where `data-consent` names one.
 *
 * Invariant: it only reads what a source says; the runtime's `Consent` decides. A source that has said nothing yet is awaited, one that
 * cannot be read objects.
 */
import { ALLOWED, AWAITED, OBJECTED } from "./answers.js";
import { readLayer, refused } from "../script/tag.js";

/** Hears what a source says, each time that it says something. */
type Tell = (answer: number) => void;

interface Fields {
  readonly [name: string]: unknown;
}

/** IAB's functions, https://github.com/InteractiveAdvertisingBureau: both call back at once, and after each change. */
type Tcf = (command: string, version: number, back: (data: unknown, success: unknown) => void) => void;
type Gpp = (command: string, back: (data: unknown, success: unknown) => void, parameter?: string) => void;

/** Consent platforms are often loaded by a tag manager, after this script: how often it is looked for theirs, and for how long. */
const LOOK_EVERY = 250;
const LOOKS = 240;
/** Store and access; profiles to personalise content, and their use. */
const PURPOSES = "1 5 6";
/** Of any section of the United States: what a visitor may opt out of, and what it says then. */
const OPTED_OUT: Fields = { SaleOptOut: 1, SharingOptOut: 1, TargetedAdvertisingOptOut: 1, Gpc: true, OptOutSale: "Y" };
/** The first section of the United States. */
const FIRST_OF_US = 6;

const readers: Record<string, (tell: Tell, script: DOMStringMap) => void> = {
  tcf: listenToTcf,
  gpp: (tell) => find("__gpp", tell, (call: Gpp) => call("addEventListener", (event, success) => tell(readGpp(event, success, call)))),
  "consent-mode": listenToConsentMode,
};

/**
 * Listens to the sources that the script tag names, each awaited until it has said something.
 * @throws with code `invalid_option` where an attribute is not what it must be
 */
export function listen(script: DOMStringMap, tell: (source: string, answer: number) => void): void {
  const names = words(script.consent);
  if (names.length === 0 || !names.every((name) => Object.hasOwn(readers, name)))
    throw refused("consent", "one or more of tcf, gpp and consent-mode, blanks between", script.consent ?? "");
  for (const name of names) {
    tell(name, AWAITED);
    readers[name]?.((answer) => tell(name, answer), script);
  }
}

/** What a source's yes stands for: the session, unless the shop says that it lasts. @throws with code `invalid_option` */
export function grants({ consentGrants = "session" }: DOMStringMap): "session" | "persistent" {
  if (consentGrants === "session" || consentGrants === "persistent") return consentGrants;
  throw refused("consent-grants", "session or persistent", consentGrants);
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter(Boolean);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function listenToTcf(tell: Tell, script: DOMStringMap): void {
  const purposes = words(script.tcfPurposes ?? PURPOSES);
  if (purposes.length === 0 || !purposes.every((purpose) => /^([1-9]|1[01])$/.test(purpose)))
    throw refused("tcf-purposes", "numbers of purposes from 1 to 11, blanks between", script.tcfPurposes ?? "");
  const vendor = script.tcfVendor;
  if (vendor !== undefined && !/^[1-9]\d*$/.test(vendor)) throw refused("tcf-vendor", "the number of one vendor", vendor);
  const hear = (data: unknown, success: unknown): void => {
    const answer = readTcf(data, success, purposes, vendor);
    if (answer !== undefined) tell(answer);
  };
  find("__tcfapi", tell, (call: Tcf) => call("addEventListener", 2, hear));
}

/** What TCF says; `undefined` while the visitor is being asked, for what was said before still holds then. */
function readTcf(data: unknown, success: unknown, purposes: string[], vendor: string | undefined): number | undefined {
  if (success !== true || !isObject(data) || data["cmpStatus"] === "error") return OBJECTED;
  if (data["gdprApplies"] === false) return 0;
  if (data["eventStatus"] !== "tcloaded" && data["eventStatus"] !== "useractioncomplete") return undefined;
  const consents = (of: string): Fields => {
    const part = data[of];
    const found = isObject(part) ? part["consents"] : undefined;
    return isObject(found) ? found : {};
  };
  // Without a vendor it is the page that asks for itself.
  const asked = consents(vendor === undefined ? "publisher" : "purpose");
  const isAllowed = purposes.every((purpose) => asked[purpose] === true) && (vendor === undefined || consents("vendor")[vendor] === true);
  return isAllowed ? ALLOWED : OBJECTED;
}

/** What GPP says: it only objects, for its sections of the United States know no yes. */
function readGpp(event: unknown, success: unknown, call: Gpp): number {
  const said = isObject(event) ? event["pingData"] : undefined;
  if (success !== true || !isObject(said) || said["cmpStatus"] === "error") return OBJECTED;
  if (said["signalStatus"] !== "ready") return AWAITED;
  const applicable = said["applicableSections"];
  if (!Array.isArray(applicable) || applicable.length === 0 || applicable.includes(0)) return OBJECTED;
  if (!applicable.some((section) => Number(section) >= FIRST_OF_US)) return 0;
  const segments = sectionsOfUs(said, call).flat().filter(isObject);
  const isOut = segments.some((segment) => Object.entries(OPTED_OUT).some(([name, value]) => segment[name] === value));
  // An applicable section that does not show counts as an objection.
  return isOut || segments.length === 0 ? OBJECTED : 0;
}

/** The parsed sections of the United States: from 1.1 on they come along, before they are asked for one by one. */
function sectionsOfUs(said: Fields, call: Gpp): unknown[] {
  const parsed = said["parsedSections"];
  if (isObject(parsed)) return Object.entries(parsed).flatMap(([name, section]) => (name.startsWith("us") ? [section] : []));
  const names = [said["supportedAPIs"]].flat().flatMap((name) => /\bus\w+$/.exec(String(name)) ?? []);
  const sections: unknown[] = [];
  for (const name of names) call("getSection", (section) => sections.push(section), name);
  return sections;
}

/**
 * What Google's Consent Mode says of `personalization_storage`. A default is the shop's word, not the visitor's: it is awaited what an
 * update says. A yes for some regions is none here, for nobody tells where the visitor is; a no for some is one for all.
 */
function listenToConsentMode(tell: Tell, script: DOMStringMap): void {
  const layer = ((window as unknown as Record<string, unknown[]>)[readLayer(script)] ??= []);
  const take = (entry: unknown): void => {
    if (!isObject(entry) || entry["0"] !== "consent" || entry["1"] !== "update") return;
    const said = entry["2"];
    const value = isObject(said) ? said["personalization_storage"] : null;
    if (value === undefined) return;
    const isRegional = isObject(said) && said["region"] !== undefined;
    if (value !== "granted") tell(OBJECTED);
    else if (!isRegional) tell(ALLOWED);
  };
  const read = (entry: unknown): void => {
    try {
      take(entry);
    } catch (error) {
      // It is the page that pushes, and that goes on.
      console.warn("pocketrank: an entry of the data layer cannot be read", error);
    }
  };
  const push = layer.push;
  layer.push = (...entries) => {
    const length = push.apply(layer, entries);
    entries.forEach(read);
    return length;
  };
  [...layer].forEach(read);
}

/** Calls a consent platform's function once it is there. */
function find<F>(name: string, tell: Tell, use: (call: F) => void, looks = LOOKS): void {
  const call = (window as unknown as Fields)[name];
  if (typeof call === "function") {
    try {
      use(call as F);
    } catch (error) {
      console.warn(`pocketrank: ${name} fails, which counts as an objection`, error);
      tell(OBJECTED);
    }
  } else if (looks > 0) setTimeout(() => find(name, tell, use, looks - 1), LOOK_EVERY);
}

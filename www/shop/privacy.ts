/** The account and privacy pages: what is remembered now, as lists, and as a file to take away. */
import type { Erased, EventKind, Mode, Pocketrank, ProfileEvent } from "../element.js";
import { make, part, toast } from "./dom.js";

const STATES: Record<Mode, string> = {
  contextual: "Nothing is remembered, and nothing about you is used.",
  session: "Your browser remembers until you close this tab.",
  persistent: "Your browser remembers what you look at until you make it forget.",
};

const DID: Record<EventKind, string> = {
  view_item_list: "Shown in a list",
  select_item: "Picked from a list",
  view_item: "Looked at",
  add_to_wishlist: "Saved",
  add_to_cart: "Put in the cart",
  remove_from_cart: "Taken out of the cart",
  begin_checkout: "Taken to check-out",
  purchase: "Bought",
  dismiss: "Turned down",
};

/** An account is no log: what was done last is enough. */
const LATELY = 3;

type Items = Awaited<ReturnType<Pocketrank["items"]>>;

/** @param isTold what was done is said by what is above */
function rows(events: ProfileEvent[], items: Items, isTold = false): HTMLElement[] {
  return events.map(({ item, kind, at }) => {
    const known = items.get(item);
    const name = known ? make("a", { href: known.url }, [known.name]) : "A product that is gone";
    const day = new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "long" });
    return make("li", {}, [name, make("span", {}, [isTold ? day : `${DID[kind]}, ${day}`])]);
  });
}

/** The last of each item. */
function latest(events: ProfileEvent[], kind: EventKind): ProfileEvent[] {
  const seen = new Set<string>();
  return events.filter((event) => event.kind === kind && !seen.has(event.item) && seen.add(event.item)).slice(0, LATELY);
}

function fill(name: string, list: HTMLElement[], none: string): void {
  part(name)?.replaceChildren(list.length > 0 ? make("ul", { className: "history" }, list) : make("p", {}, [none]));
}

async function show(pocketrank: Pocketrank): Promise<void> {
  const { gpc, mode } = pocketrank;
  const state = part("state");
  const objects = gpc === false ? "" : " Your browser sends Global Privacy Control.";
  if (state) state.textContent = STATES[mode] + objects;
  // The names are asked for whatever the profile holds.
  const items = await pocketrank.items();
  const events = pocketrank.profile.events().reverse();
  fill("events", rows(events, items), "Nothing.");
  const none = "Nothing that your browser knows of.";
  fill("bought", rows(latest(events, "purchase"), items, true), none);
  if (part("places")) fill("places", whereabouts((await pocketrank.export()).places), "");
  fill("looked", rows(latest(events, "view_item"), items, true), none);
}

async function download(pocketrank: Pocketrank): Promise<void> {
  const file = new Blob([JSON.stringify(await pocketrank.export(), null, 2)], { type: "application/json" });
  const href = URL.createObjectURL(file);
  make("a", { href, download: "pocketrank.json" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Takes the file of another device, which the visitor picks. */
function upload(pocketrank: Pocketrank): void {
  if (pocketrank.mode === "contextual") return toast("Let this browser remember first");
  const input = make("input", { type: "file", accept: "application/json" });
  input.addEventListener("change", () => {
    void input.files?.[0]
      ?.text()
      .then((text) => pocketrank.import(text))
      .then(
        () => toast("Brought here"),
        () => toast("That file is none of this shop's"),
      );
  });
  input.click();
}

function whereabouts(places: Erased[]): HTMLElement[] {
  return places.map(({ place, entries }) => make("li", {}, [place, make("span", {}, [entries === 0 ? "nothing" : `${entries} ${entries === 1 ? "record" : "records"}`])]));
}

/** Shows where it was looked after all was erased, and that nothing was found. */
export function showProof(places: Erased[]): void {
  part("proof")?.replaceChildren(make("p", {}, ["All of it is erased. Where your browser has looked again, and what it found:"]), make("ul", { className: "history" }, whereabouts(places)));
}

/** Brings the page to life; on others there is nothing to do. */
export function startPrivacy(pocketrank: Pocketrank): void {
  if (!part("state")) return;
  const update = (): void => void show(pocketrank);
  update();
  pocketrank.addEventListener("change", update);
  part("import")?.addEventListener("click", () => upload(pocketrank));
  part("export")?.addEventListener("click", () => void download(pocketrank));
}

/** Visitors of the demo shop, each with a history of their own in a capsule, and some without. */

const VISITORS = 256;
/** One of so many has no capsule. */
const WITHOUT = 4;
const DAY = 86_400;
const KINDS = /** @type {const} */ (["view_item", "view_item", "view_item", "select_item", "add_to_cart", "add_to_wishlist"]);

/**
 * `Cookie` headers, empty for who has none. Capsules are of up to 30 events, as many as they hold.
 * @param {typeof import("../../www/index.d.ts")} pocketrank the package, initialized
 * @param {string[]} ids items of the shop
 */
export function cookies({ Consent, Profile }, ids) {
  const consent = new Consent({ choice: { mode: "session", capsule: true } });
  const grant = consent.grant();
  const capsuleGrant = consent.capsuleGrant();
  if (!grant || !capsuleGrant) throw new Error("a choice that allows all gives both grants");
  const now = Math.floor(Date.now() / 1000);
  return Array.from({ length: VISITORS }, (_, visitor) => {
    if (visitor % WITHOUT === 0) return "";
    const profile = new Profile();
    const events = 1 + ((visitor * 7) % 30);
    for (let event = 0; event < events; event++) {
      const at = visitor * 31 + event * event * 17;
      const daysAgo = Math.floor((events - event) / 3);
      profile.record(grant, /** @type {string} */ (ids[at % ids.length]), /** @type {"view_item"} */ (KINDS[at % KINDS.length]), now - daysAgo * DAY);
    }
    const cookie = `theme=dark; __Host-pocketrank=${profile.capsule(capsuleGrant, now)}; basket=3f2a`;
    profile.free();
    return cookie;
  });
}

/** What the script tag says, checked: what is wrong is refused by the attribute's name, with what was got. */
import type { Source } from "./assets.js";
import { coded } from "../coded.js";
import { got } from "../options.js";
import { RETENTION_DAYS } from "../ranking/rows.js";

const KEY = /^[0-9a-f]{64}$/i;
const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** What an attribute of the script tag must be and is not. */
export function refused(attribute: string, must: string, value: string): Error {
  return coded("invalid_option", `the script tag's \`data-${attribute}\` must be ${must}; it is ${got(value)}`);
}

/** Where models are, and whose are trusted. */
export function readSource({ manifest = "/pocketrank/manifest.pkrm", audience = "", keys = "", offline }: DOMStringMap): Source {
  const address = (attribute: string, value: string) => {
    if (!URL.canParse(value, document.baseURI)) throw refused(attribute, "an address", value);
    return new URL(value, document.baseURI);
  };
  const listed = keys.split(/\s+/).filter(Boolean);
  const wrong = listed.find((key) => !KEY.test(key));
  if (wrong !== undefined) throw refused("keys", "keys of 64 hexadecimal digits, blanks between", wrong);
  return { manifest: address("manifest", manifest), audience, keys: listed, offline: offline === undefined ? undefined : address("offline", offline) };
}

/** For how many days is kept what the visitor did: at most a year. */
export function readRetention({ retentionDays = `${RETENTION_DAYS}` }: DOMStringMap): number {
  const days = /^[1-9]\d*$/.test(retentionDays) ? Number(retentionDays) : Infinity;
  if (days > RETENTION_DAYS) throw refused("retention-days", `a whole number from 1 to ${RETENTION_DAYS}`, retentionDays);
  return days;
}

/** The name of the page's data layer. */
export function readLayer({ layer = "dataLayer" }: DOMStringMap): string {
  if (!NAME.test(layer)) throw refused("layer", "the name of a property of `window`", layer);
  return layer;
}

/** The kinds of events. By itself, so that whoever needs their names does not take along how profiles are read. */
import type { EventKind } from "../../index.js";

/** In the order of their numbers. */
export const KINDS: readonly EventKind[] = [
  "view_item_list",
  "select_item",
  "view_item",
  "add_to_wishlist",
  "add_to_cart",
  "remove_from_cart",
  "begin_checkout",
  "purchase",
  "dismiss",
];

/** What is shown on "near me": kept while the app is open, so that the way back leads to it. */

import { hrefOf } from "../addresses.ts";
import { api, call, keptAt, type Schemas } from "../api/client.ts";
import { joined, pageAt } from "../api/paging.ts";
import { Attempt } from "../api/attempt.svelte.ts";
import { asFailure, type Failure } from "../api/failures.ts";
import { findPosition, NoPosition, type Hindrance, type Position } from "../position.ts";
import { readAsked, searchOf, unfiltered, type Filters } from "./filters.ts";

export type Place = Schemas["PlaceOut"];

/** What is looked for: places round a position, of a name, or all. */
export type Wanted =
  | { readonly by: "position"; readonly lon: number; readonly lat: number }
  | { readonly by: "text"; readonly text: string }
  | { readonly by: "name" };

interface Found extends Listed {
  readonly wanted: Wanted;
}

interface Listed {
  readonly places: readonly Place[];
  /** Where the list goes on; null where it is over. */
  readonly next: string | null;
  /** Since when the list has been kept on this phone; null of one that has just come. */
  readonly keptAt: string | null;
}

type State =
  | { readonly is: "nothing" }
  | { readonly is: "locating" }
  | { readonly is: "hindered"; readonly hindrance: Hindrance }
  | { readonly is: "looking"; readonly wanted: Wanted }
  | { readonly is: "failed"; readonly failure: Failure; readonly wanted: Wanted }
  | ({ readonly is: "found" } & Found);

export const radiusM = 20_000;
const pageSize = 20;
/** About 11 m: enough to sort by, and less than the phone knows. */
const decimals = 4;

/** So many pages are looked through at once where filters leave few places on each. */
const mostPages = 5;

class Search {
  state: State = $state.raw({ is: "nothing" });
  text = $state("");
  filters: Filters = $state.raw(unfiltered);
  /** The pages after the first. */
  readonly going = new Attempt();
  #latest = 0;
  #hasBegun = false;

  /** Begin as the address says, once; from then on the address says what is shown. */
  async begin(): Promise<void> {
    if (this.#hasBegun) {
      this.#note();
      return;
    }
    this.#hasBegun = true;
    const { filters, text } = readAsked(location.search);
    this.filters = filters;
    if (text !== "") {
      this.text = text;
      await this.look({ by: "text", text });
    }
  }

  /** Show other places of those that are looked for. */
  async filter(filters: Filters): Promise<void> {
    this.filters = filters;
    const wanted = "wanted" in this.state ? this.state.wanted : null;
    this.#note();
    if (wanted) {
      await this.look(wanted);
    }
  }

  /** Ask the phone where it is, and look round there, unless something else was looked for since. */
  async hereabouts(): Promise<void> {
    const turn = ++this.#latest;
    this.state = { is: "locating" };
    let here: Position;
    try {
      here = await findPosition();
    } catch (error) {
      if (!(error instanceof NoPosition)) {
        throw error;
      }
      if (turn === this.#latest) {
        this.state = { is: "hindered", hindrance: error.hindrance };
      }
      return;
    }
    if (turn === this.#latest) {
      await this.look({ by: "position", lon: here.lon, lat: here.lat });
    }
  }

  /** Look for places; an earlier look that is still under way is forgotten. */
  async look(wanted: Wanted): Promise<void> {
    const turn = ++this.#latest;
    this.state = { is: "looking", wanted };
    this.going.failure = null;
    this.#note();
    let state: State;
    try {
      state = { is: "found", wanted, ...(await list(wanted, this.filters, null)) };
    } catch (error) {
      state = { is: "failed", failure: asFailure(error), wanted };
    }
    if (turn === this.#latest) {
      this.state = state;
    }
  }

  /** Have the address say what is shown; where the phone is stands in none. */
  #note(): void {
    const wanted = "wanted" in this.state ? this.state.wanted : null;
    const search = searchOf(this.filters, wanted?.by === "text" ? wanted.text : "");
    if (location.pathname === hrefOf("nearMe") && location.search !== search) {
      history.replaceState(history.state, "", `${location.pathname}${search}`);
    }
  }

  /** Add the next places to those that were found. */
  async more(): Promise<void> {
    const before = this.state;
    if (before.is !== "found" || before.next === null) {
      return;
    }
    const from = before.next;
    await this.going.make(async () => {
      const { places, next } = await list(before.wanted, this.filters, from);
      if (this.state === before) {
        this.state = { ...before, places: joined(before.places, places), next };
      }
    });
  }
}

/** Return the next places, from as many pages as it takes to find some. */
async function list(wanted: Wanted, filters: Filters, next: string | null): Promise<Listed> {
  const places: Place[] = [];
  let since: string | null = null;
  let from = next;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const query = {
      ...queryOf(wanted),
      ...(filters.openNow ? { open_now: true } : {}),
      on_today: filters.onToday ? ("only" as const) : ("told" as const),
      limit: pageSize,
      ...pageAt(from),
    };
    const page = await call(api.GET("/v1/places", { params: { query } }));
    places.push(...page.features);
    since ??= keptAt(page);
    from = page.next;
    if (from === null || places.length >= pageSize / 2) {
      break;
    }
  }
  return { places, next: from, keptAt: since };
}

function queryOf(wanted: Wanted): { near?: string; radius_m?: number; q?: string } {
  switch (wanted.by) {
    case "position":
      return {
        near: `${wanted.lon.toFixed(decimals)},${wanted.lat.toFixed(decimals)}`,
        radius_m: radiusM,
      };
    case "text":
      return { q: wanted.text };
    case "name":
      return {};
  }
}

export const search = new Search();

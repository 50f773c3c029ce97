/** What is shown on "near me": kept while the app is open, so that the way back leads to it. */

import { api, call, keptAt, type Schemas } from "../api/client.ts";
import { cursorOf } from "../api/paging.ts";
import { asFailure, type Failure } from "../api/failures.ts";
import { findPosition, NoPosition, type Hindrance } from "../position.ts";

export type Place = Schemas["PlaceOut"];

/** What is looked for: places round a position, of a name, or all. */
export type Wanted =
  | { readonly by: "position"; readonly lon: number; readonly lat: number }
  | { readonly by: "text"; readonly text: string }
  | { readonly by: "name" };

interface Found {
  readonly wanted: Wanted;
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
  | { readonly is: "looking" }
  | { readonly is: "failed"; readonly failure: Failure; readonly wanted: Wanted }
  | ({ readonly is: "found" } & Found);

export const radiusM = 20_000;
const pageSize = 20;
/** About 11 m: enough to sort by, and less than the phone knows. */
const decimals = 4;

class Search {
  state: State = $state.raw({ is: "nothing" });
  text = $state("");
  #latest = 0;

  /** Ask the phone where it is, and look round there. */
  async hereabouts(): Promise<void> {
    this.state = { is: "locating" };
    try {
      const { lon, lat } = await findPosition();
      await this.look({ by: "position", lon, lat });
    } catch (error) {
      if (!(error instanceof NoPosition)) {
        throw error;
      }
      this.state = { is: "hindered", hindrance: error.hindrance };
    }
  }

  /** Look for places; an earlier look that is still under way is forgotten. */
  async look(wanted: Wanted): Promise<void> {
    const turn = ++this.#latest;
    this.state = { is: "looking" };
    let state: State;
    try {
      const found = await list(wanted, null);
      const { features: places, next } = found;
      state = { is: "found", wanted, places, next, keptAt: keptAt(found) };
    } catch (error) {
      state = { is: "failed", failure: asFailure(error), wanted };
    }
    if (turn === this.#latest) {
      this.state = state;
    }
  }

  /** Add the next places to those that were found. */
  async more(): Promise<void> {
    const before = this.state;
    if (before.is !== "found" || before.next === null) {
      return;
    }
    const { features, next } = await list(before.wanted, before.next);
    if (this.state === before) {
      this.state = { ...before, places: [...before.places, ...features], next };
    }
  }
}

async function list(wanted: Wanted, next: string | null): Promise<Schemas["PlacesOut"]> {
  const cursor = cursorOf(next);
  const query = { ...queryOf(wanted), limit: pageSize, ...(cursor ? { cursor } : {}) };
  return call(api.GET("/v1/places", { params: { query } }));
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

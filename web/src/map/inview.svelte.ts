/** The places on the part of the map that is shown, as a list: what the map says to everybody. */

import { api, call, type Schemas } from "../api/client.ts";
import { asFailure, type Failure } from "../api/failures.ts";
import type { Place } from "../near/search.svelte.ts";
import { asQuery, type Box } from "./boxes.ts";

const pageSize = 20;

export class InView {
  /** What was found last; null until anything was. */
  places: readonly Place[] | null = $state.raw(null);
  next: string | null = $state.raw(null);
  isLooking = $state(false);
  failure: Failure | null = $state.raw(null);
  #box: Box | null = null;
  #latest = 0;

  /** List the places in a box; what was listed before stays until then. */
  async look(box: Box): Promise<void> {
    const turn = ++this.#latest;
    this.#box = box;
    this.isLooking = true;
    try {
      const found = await list(box, null);
      if (turn === this.#latest) {
        this.places = found.features;
        this.next = found.next;
        this.failure = null;
      }
    } catch (error) {
      const failure = asFailure(error);
      if (turn === this.#latest) {
        this.failure = failure;
      }
    } finally {
      if (turn === this.#latest) {
        this.isLooking = false;
      }
    }
  }

  /** Try again what failed. */
  async again(): Promise<void> {
    if (this.#box) {
      await this.look(this.#box);
    }
  }

  /** Add the next places to the list. */
  async more(): Promise<void> {
    const [turn, before, box] = [this.#latest, this.places, this.#box];
    if (!before || !box || this.next === null) {
      return;
    }
    try {
      const { features, next } = await list(box, this.next);
      if (turn === this.#latest) {
        this.places = [...before, ...features];
        this.next = next;
        this.failure = null;
      }
    } catch (error) {
      this.failure = asFailure(error);
    }
  }
}

async function list(box: Box, next: string | null): Promise<Schemas["PlacesOut"]> {
  const cursor = next && new URL(next, location.origin).searchParams.get("cursor");
  const query = { bbox: asQuery(box), limit: pageSize, ...(cursor ? { cursor } : {}) };
  return call(api.GET("/v1/places", { params: { query } }));
}

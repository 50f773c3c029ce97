/** What is shown on the list of tasks: kept while the app is open, so that the way back leads to it. */

import { api, call, keptAt } from "../api/client.ts";
import { asFailure, type Failure } from "../api/failures.ts";
import { joined, pageAt } from "../api/paging.ts";
import { findPosition, NoPosition, type Hindrance, type Position } from "../position.ts";
import { readAhead } from "./ahead.ts";
import type { Work } from "./changes.ts";

/** Which tasks: where one stands, round about, one's own, or all that are to be done. */
export const views = ["here", "near", "mine", "all"] as const;
export type View = (typeof views)[number];

type State =
  | { readonly is: "locating" }
  | { readonly is: "loading" }
  | { readonly is: "hindered"; readonly hindrance: Hindrance }
  | { readonly is: "failed"; readonly failure: Failure }
  | { readonly is: "asking" }
  | {
      readonly is: "here";
      readonly tasks: readonly Work[];
      readonly next: string | null;
      readonly keptAt: string | null;
    };

/** How far round a position, in metres: a building with what belongs to it, or a ride away. */
const radii = { here: 150, near: 20_000 } as const;
const pageSize = 20;
const longest = 200;

class List {
  view: View = $state("mine");
  state: State = $state.raw({ is: "loading" });
  /** Why the next page did not come. */
  failure: Failure | null = $state.raw(null);
  /** Whether the same tasks are shown on a map, which takes more of them at once. */
  isMapped = $state(false);
  #position: Position | null = null;
  #latest = 0;

  /** Where the tasks were asked from; null where that plays no part. */
  get here(): Position | null {
    return this.view === "here" || this.view === "near" ? this.#position : null;
  }

  /** Show the tasks on a map too, or on the list alone. */
  async map(isMapped: boolean): Promise<void> {
    this.isMapped = isMapped;
    if (isMapped && this.state.is === "here" && this.state.next !== null) {
      await this.revisit();
    }
  }

  /** Show other tasks; where that takes a position, it is asked for by a button. */
  async choose(view: View): Promise<void> {
    this.view = view;
    if ((view === "here" || view === "near") && this.#position === null) {
      this.#latest++;
      this.state = { is: "asking" };
      return;
    }
    await this.load();
  }

  /** Show the list as it was, and then as it has become. */
  async revisit(): Promise<void> {
    const before = this.state;
    if (before.is !== "here") {
      await this.choose(this.view);
      return;
    }
    try {
      const limit = Math.min(Math.max(before.tasks.length, this.#pageSize), longest);
      const now = await this.#read(null, limit);
      if (this.state === before) {
        this.state = { is: "here", ...now };
      }
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  /** Ask the phone where it is, and look there. */
  async locate(): Promise<void> {
    const turn = ++this.#latest;
    this.state = { is: "locating" };
    let found: Position;
    try {
      found = await findPosition();
    } catch (error) {
      if (!(error instanceof NoPosition)) {
        throw error;
      }
      if (turn === this.#latest) {
        this.state = { is: "hindered", hindrance: error.hindrance };
      }
      return;
    }
    this.#position = found;
    if (turn === this.#latest) {
      await this.load();
    }
  }

  /** Load the list; an earlier one that is still on its way is forgotten. */
  async load(): Promise<void> {
    const turn = ++this.#latest;
    this.failure = null;
    this.state = { is: "loading" };
    let state: State;
    try {
      state = { is: "here", ...(await this.#read(null)) };
    } catch (error) {
      state = { is: "failed", failure: asFailure(error) };
    }
    if (turn === this.#latest) {
      this.state = state;
    }
  }

  /** Add the next tasks to those that are here. */
  async more(): Promise<void> {
    const before = this.state;
    if (before.is !== "here" || before.next === null) {
      return;
    }
    this.failure = null;
    try {
      const { tasks, next } = await this.#read(before.next);
      if (this.state === before) {
        this.state = { ...before, tasks: joined(before.tasks, tasks), next };
      }
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  async #read(
    next: string | null,
    limit = this.#pageSize,
  ): Promise<{ tasks: readonly Work[]; next: string | null; keptAt: string | null }> {
    const query = {
      ...this.#query(),
      unfinished: true,
      limit,
      ...pageAt(next),
    };
    const page = await call(api.GET("/v1/tasks", { params: { query } }));
    if ("mine" in query && keptAt(page) === null) {
      void readAhead(page.items);
    }
    return { tasks: page.items, next: page.next, keptAt: keptAt(page) };
  }

  get #pageSize(): number {
    return this.isMapped ? longest : pageSize;
  }

  #query(): { mine?: boolean; near?: string; sort?: "distance" } {
    if (this.view === "mine") {
      return { mine: true };
    }
    if (this.view === "all" || this.#position === null) {
      return {};
    }
    const { lon, lat } = this.#position;
    const near = `${lon},${lat},${radii[this.view]}`;
    // Where one stands all are as near, and the most urgent comes first.
    return this.view === "here" ? { near } : { near, sort: "distance" };
  }
}

export const list = new List();

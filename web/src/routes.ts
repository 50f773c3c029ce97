import type { Component } from "svelte";
import type { PageName, ParametersOf } from "./addresses.ts";
import { openSection, type Section } from "./languages/language.svelte.ts";

/** The page at each address; it is loaded when it is first wanted. */
export const pages: {
  readonly [Name in PageName]: () => Promise<{ default: Component<ParametersOf<Name>> }>;
} = {
  nearMe: () => import("./pages/NearMe.svelte"),
  place: within("listings", () => import("./pages/Place.svelte")),
  offer: within("listings", () => import("./pages/Offer.svelte")),
  event: within("listings", () => import("./pages/Event.svelte")),
  checkIn: within("listings", () => import("./pages/CheckIn.svelte")),
  you: within("you", () => import("./pages/You.svelte")),
  choices: within("you", () => import("./pages/Choices.svelte")),
  mine: within(["listings", "you"], () => import("./pages/Mine.svelte")),
  data: within("you", () => import("./pages/Data.svelte")),
  watching: within("you", () => import("./pages/Watching.svelte")),
  tasks: within("tasks", () => import("./pages/Tasks.svelte")),
  task: within("tasks", () => import("./pages/Task.svelte")),
  atWork: within("tasks", () => import("./pages/AtWork.svelte")),
  map: () => import("./pages/Map.svelte"),
};

/** Load a page together with the sections of texts that it says. */
function within<Page>(
  sections: Section | readonly Section[],
  load: () => Promise<Page>,
): () => Promise<Page> {
  return async () => {
    const [page] = await Promise.all([load(), ...[sections].flat().map(openSection)]);
    return page;
  };
}

import type { Component } from "svelte";
import type { PageName, ParametersOf } from "./addresses.ts";
import { within } from "./languages/language.svelte.ts";

/** The page at each address; it is loaded when it is first wanted. */
export const pages: {
  readonly [Name in PageName]: () => Promise<{ default: Component<ParametersOf<Name>> }>;
} = {
  nearMe: () => import("./pages/NearMe.svelte"),
  place: within(["listings"], () => import("./pages/Place.svelte")),
  offer: within(["listings"], () => import("./pages/Offer.svelte")),
  event: within(["listings"], () => import("./pages/Event.svelte")),
  checkIn: within(["listings"], () => import("./pages/CheckIn.svelte")),
  you: within(["you"], () => import("./pages/You.svelte")),
  choices: within(["you"], () => import("./pages/Choices.svelte")),
  mine: within(["listings", "you"], () => import("./pages/Mine.svelte")),
  data: within(["you"], () => import("./pages/Data.svelte")),
  watching: within(["you"], () => import("./pages/Watching.svelte")),
  telling: within(["you", "messages", "tasks"], () => import("./pages/Telling.svelte")),
  messages: within(["you", "messages"], () => import("./pages/Inbox.svelte")),
  message: within(["you", "messages"], () => import("./pages/Message.svelte")),
  signIn: within(["entering"], () => import("./pages/SignIn.svelte")),
  password: within(["entering"], () => import("./pages/Password.svelte")),
  join: within(["entering"], () => import("./pages/Join.svelte")),
  email: within(["entering"], () => import("./pages/Email.svelte")),
  tasks: within(["tasks"], () => import("./pages/Tasks.svelte")),
  task: within(["listings", "tasks"], () => import("./pages/Task.svelte")),
  atWork: within(["tasks"], () => import("./pages/AtWork.svelte")),
  unsent: within(["offline", "tasks"], () => import("./pages/Unsent.svelte")),
  map: () => import("./pages/Map.svelte"),
};

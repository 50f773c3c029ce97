import "./design/tokens.css";
import "./design/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { chooseLanguage } from "./languages/language.svelte.ts";
import { router } from "./router.svelte.ts";

const target = document.getElementById("app");
if (!target) {
  throw new Error("The page has no place for the app.");
}
await chooseLanguage();
router.start();
mount(App, { target });

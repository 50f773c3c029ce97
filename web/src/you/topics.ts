import { api, call, type Schemas } from "../api/client.ts";
import { pageAt } from "../api/paging.ts";

type Topic = Schemas["TopicOut"];

export interface Choosing {
  readonly topics: readonly Topic[];
  readonly chosen: readonly Topic[];
}

/** Something to tick. Organisations that call a topic the same are one to whoever reads it. */
export interface Offer {
  readonly name: string;
  /** The language of the name, where it is not the page's. */
  readonly lang: string | undefined;
  readonly words: readonly string[];
}

const pageSize = 100;

/** Ask for all topics of all organisations. */
export async function allTopics(): Promise<Topic[]> {
  const topics: Topic[] = [];
  let next: string | null = null;
  do {
    const query = { limit: pageSize, ...pageAt(next) };
    const page: Schemas["Page_TopicOut_"] = await call(
      api.GET("/v1/topics", { params: { query } }),
    );
    topics.push(...page.items);
    next = page.next;
  } while (next !== null);
  return topics;
}

/** Return what stands for a topic among all organisations'. */
export function wordOf({ organisation_id, key }: Topic): string {
  return `${organisation_id} ${key}`;
}

/** Return what there is to tick, by name. */
export function offersOf(topics: readonly Topic[], tag: string): Offer[] {
  const offers = new Map<string, Offer>();
  for (const topic of topics) {
    const { name, lang } = nameOf(topic.names, tag);
    const words = [...(offers.get(name)?.words ?? []), wordOf(topic)];
    offers.set(name, { name, lang, words });
  }
  return [...offers.values()].sort((one, other) => one.name.localeCompare(other.name, tag));
}

/** Return the name that fits a language best: in it, in its kin, in English, else in any. */
function nameOf(names: Readonly<Record<string, string>>, tag: string): Omit<Offer, "words"> {
  const [language] = tag.split("-");
  const kin = (lang: string | undefined) => (one: string) => one.split("-")[0] === lang;
  const tags = Object.keys(names);
  const found =
    tags.find((one) => one === tag) ??
    tags.find(kin(language)) ??
    tags.find(kin("en")) ??
    tags[0] ??
    "";
  return { name: names[found] ?? "", lang: kin(language)(found) ? undefined : found };
}

/** The app's addresses by the names of their pages; the service serves the app at each of them. */
export const addresses = {
  nearMe: "/",
  place: "/places/{placeId}",
  checkIn: "/check-in",
  you: "/you",
  choices: "/you/choices",
  data: "/you/data",
  watching: "/places/{placeId}/watching",
  telling: "/you/messages",
  messages: "/notifications",
  message: "/notifications/{notificationId}",
  signIn: "/sign-in",
  password: "/password",
  join: "/join",
  email: "/email",
  tasks: "/tasks",
  task: "/tasks/{taskId}",
  atWork: "/at-work",
  map: "/map",
} as const;

export type PageName = keyof typeof addresses;

type NamesIn<Address extends string> = Address extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

/** What a page is told by its address, by the names that stand there in braces. */
export type ParametersOf<Name extends PageName> = Record<NamesIn<(typeof addresses)[Name]>, string>;

export interface Match {
  readonly name: PageName;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Return the address of a page, to link to it. */
export function hrefOf<Name extends PageName>(
  name: Name,
  ...[parameters]: NamesIn<(typeof addresses)[Name]> extends never ? [] : [ParametersOf<Name>]
): string {
  const values: Readonly<Record<string, string>> = parameters ?? {};
  return addresses[name].replace(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(values[key] ?? ""),
  );
}

/** Find the page of an address; null where it is none of the app's. */
export function match(path: string): Match | null {
  for (const name of Object.keys(addresses) as PageName[]) {
    const parameters = readAs(addresses[name], path);
    if (parameters) {
      return { name, parameters };
    }
  }
  return null;
}

function readAs(address: string, path: string): Record<string, string> | null {
  const pattern = address.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  const found = new RegExp(`^${pattern}$`).exec(path);
  if (!found) {
    return null;
  }
  try {
    const groups = Object.entries(found.groups ?? {});
    return Object.fromEntries(groups.map(([key, value]) => [key, decodeURIComponent(value)]));
  } catch {
    // A percent sign that stands for nothing.
    return null;
  }
}

// Every question to the proxy, and the token it may need. The token lives in this tab and nowhere else.

const SLOT = "edgeproxy.token";

// Fires `refused` when the proxy no longer takes the token that is kept.
export const session = new EventTarget();

export const token = () => sessionStorage.getItem(SLOT);
export const keep = (value) => sessionStorage.setItem(SLOT, value);
export const forget = () => sessionStorage.removeItem(SLOT);

// The proxy's own refusal: its status of HTTP, a sentence as the message, and whether a token was shown.
export class Refusal extends Error {
  constructor(status, message, withToken) {
    super(message);
    this.status = status;
    this.withToken = withToken;
  }
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);

// JSON in, JSON out. Raises Refusal, or TypeError where nobody answered.
export async function ask(method, path, body, options = {}) {
  const said = await (await send(method, path, body, options)).text();
  return said ? JSON.parse(said) : {};
}

export const sound = async (path, options) => (await send("GET", path, undefined, options)).blob();

// `as`: a token to try instead of the one kept.
async function send(method, path, body, { signal, as } = {}) {
  const bearer = as ?? token();
  const headers = {};
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(new URL(`admin/${path}`, document.baseURI), {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal,
  });
  if (response.ok) return response;
  const said = await response.json().catch(() => null);
  const message = said?.error?.message ?? `The proxy answered ${response.status} ${response.statusText}`.trim();
  if (response.status === 401 && bearer && as === undefined) {
    session.dispatchEvent(new Event("refused"));
  }
  throw new Refusal(response.status, message, Boolean(bearer));
}

// A token is made of what a header can carry; anything else is wrong before it is sent.
export const plausible = (value) => /^[\x21-\x7e]+$/.test(value);

// One sentence for whatever went wrong.
export function wording(error) {
  if (error instanceof Refusal) return sentence(error.message);
  if (error instanceof TypeError) return "Can’t reach the proxy.";
  return sentence(error.message);
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");

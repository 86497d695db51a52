// The HTTP API, to read and to try out: of the server's own document. No page of the console loads any of this.
import 'swagger-ui-dist/swagger-ui.css';
import './reference.css';

import bundle from 'swagger-ui-dist/swagger-ui-bundle.js?url';

import { reference as en } from '../locales/en.json';
import { reference as ru } from '../locales/ru.json';

const API = '/api/v1';
const SAFE = ['GET', 'HEAD'];

/** A request that is about to be sent. */
type Request = { url: string; method?: string; headers: Record<string, string> };
/** What a plugin of Swagger UI is given. */
type System = { React: { createElement(kind: unknown, props: object | null, text?: string): unknown } };
type Words = typeof en;
/** What the script of Swagger UI sets. */
declare function SwaggerUIBundle(options: Record<string, unknown>): unknown;

/** Whoever is logged in to the console, in this browser. */
type Session = { csrf: string; account: { login: string; language: string | null } };

void Promise.all([asked(), loaded()]).then(([session]) => show(session));

function show(session: Session | null) {
  const language = languageOf(session);
  const words = language === 'ru' ? ru : en;
  document.documentElement.lang = language;
  document.documentElement.classList.toggle('dark-mode', isDark());
  say('h1', words.title);
  say('header p', session ? words.session.replace('{{login}}', session.account.login) : words.nobody);
  say('header a', words.back);
  SwaggerUIBundle({
    domNode: document.getElementById('reference'),
    url: `${API}/openapi.json`,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    validatorUrl: null, // which is another host
    plugins: [accessible(words)],
    requestInterceptor: (request: Request) => {
      if (session && !SAFE.includes(request.method ?? 'GET')) request.headers['X-CSRF-Token'] = session.csrf;
      return request;
    },
  });
}

/**
 * What a screen reader needs: no link within a button, names for what has none, and no choice among one server, which has
 * no label either.
 */
function accessible(words: Words) {
  return ({ React: { createElement } }: System) => ({
    components: {
      DeepLink: ({ text }: { text: string }) => createElement('span', null, text),
      CloseIcon: () => createElement('span', { role: 'img', 'aria-label': words.close }, '✕'),
      ServersContainer: () => null,
    },
    wrapComponents: {
      TextArea: (original: unknown) => (props: object) => createElement(original, { 'aria-label': words.body, ...props }),
    },
  });
}

/** The script of Swagger UI, which is built already: it goes as it is into a file of its own. */
function loaded() {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = bundle;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

async function asked(): Promise<Session | null> {
  const response = await fetch(`${API}/session`).catch(() => null);
  return response?.ok ? ((await response.json()) as Session) : null;
}

function languageOf(session: Session | null) {
  const wanted = session?.account.language ?? localStorage.getItem('tandem-language') ?? navigator.language;
  return wanted.startsWith('ru') ? 'ru' : 'en';
}

/** As the console looks. */
function isDark() {
  const scheme = localStorage.getItem('mantine-color-scheme-value');
  return scheme === 'dark' || (scheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
}

function say(where: string, text: string) {
  const place = document.querySelector(where);
  if (place) place.textContent = text;
}

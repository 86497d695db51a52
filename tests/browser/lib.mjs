// What the walks share: Debian's Chromium, the console's own texts, screenshots, and what axe says of each page.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const locales = path.join(here, '../../admin-ui/src');
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The console's text behind a key, such as `users.new` or `editor:kind.say`, without its {{holes}}. */
export function texts(language) {
  const read = (file) => JSON.parse(fs.readFileSync(path.join(locales, file), 'utf8'));
  const of = { app: read(`locales/${language}.json`), editor: read(`editor/locales/${language}.json`) };
  return (key, holes = {}) => {
    const [space, name] = key.includes(':') ? key.split(':') : ['app', key];
    const found = name.split('.').reduce((at, part) => at?.[part], of[space]);
    if (typeof found !== 'string') throw new Error(`no text ${key}`);
    return found.replace(/\{\{(\w+)[^}]*\}\}/g, (_, hole) => holes[hole] ?? '');
  };
}

/** A browser with one page; what it logs as an error, or a script throws, is in `errors`. */
export async function browser({ url, language, shots }) {
  const launched = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const context = await launched.newContext({
    viewport: { width: 1280, height: 800 },
    locale: language === 'ru' ? 'ru-RU' : 'en-US',
    baseURL: url,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // A refused request is the walk's affair; everything else that the browser complains of is a fault.
  page.on('console', (line) => {
    if (line.type() === 'error' && !/status of 4\d\d/.test(line.text())) errors.push(line.text());
  });
  fs.mkdirSync(shots, { recursive: true });
  let number = 0;
  const findings = [];
  /** Keeps a picture of the page, or of another one, and what axe finds serious on it. */
  const look = async (name, at = page) => {
    await at.waitForTimeout(300);
    number += 1;
    const file = `${language}-${String(number).padStart(2, '0')}-${name}.png`;
    await at.screenshot({ path: path.join(shots, file) });
    const found = await at.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ['violations'] }); })()`);
    for (const { id, impact, nodes } of found.violations) {
      if (impact === 'serious' || impact === 'critical') findings.push(`${file}: ${id}: ${nodes[0]?.html.slice(0, 200)}`);
    }
  };
  return { page, context, errors, findings, look, close: () => launched.close() };
}

/** What the test says, as JSON on standard input. */
export function asked() {
  return JSON.parse(fs.readFileSync(0, 'utf8'));
}

/** Runs a walk; what went wrong is on standard error, with a picture. */
export async function walk(steps) {
  const order = asked();
  const at = await browser(order);
  try {
    const told = await steps(at, order, texts(order.language));
    process.stdout.write(JSON.stringify({ ...told, errors: at.errors, findings: at.findings }));
  } catch (error) {
    await at.page.screenshot({ path: path.join(order.shots, `${order.language}-failed.png`) });
    process.stderr.write(`${error.stack}\nat ${at.page.url()}\n${at.errors.join('\n')}\n`);
    process.exitCode = 1;
  } finally {
    await at.close();
  }
}

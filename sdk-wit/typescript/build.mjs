#!/usr/bin/env node
// Builds a scenario in TypeScript into a component.
//
//   build.mjs FOLDER [--out FILE]
//
// FOLDER holds src/main.ts, or main.ts, which calls scenario(…), and what it imports, also from FOLDER/node_modules. A
// FOLDER/tsconfig.json has its types checked first. The component goes to FOLDER/dist/NAME.wasm, where NAME is the one in
// package.json, or else the folder's. Its path is the last line that is printed. The world is the one that package.json
// names, "tandem": { "world": "web-scenario" }, or else call-scenario.
//
// The tools come from scripts/guest-languages.sh, or from the folder with node_modules that TANDEM_GUEST_TYPESCRIPT names.
//
// Exit codes: 0 built · 1 it does not build, why is above · 2 wrong arguments.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** What stands before the source map, at the end of a bundle. */
const MAP = 'globalThis.__tandemSourceMap = ';

/** What a component of each world exports. */
const HANDLERS = {
  'call-scenario': 'callHandler',
  'web-scenario': 'webHandler',
  'event-scenario': 'eventHandler',
};

/** A reason that its author can act on, told without a stack. */
class Failure extends Error {}

async function main(args) {
  const [folder, option, out] = args;
  const asked = args.length === 1 || (args.length === 3 && option === '--out');
  if (!asked || folder.startsWith('-')) {
    const intro = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n').slice(1, 13);
    console.error(intro.map((line) => line.replace(/^\/\/ ?/, '')).join('\n'));
    return folder === '--help' || folder === '-h' ? 0 : 2;
  }
  try {
    const project = read(resolve(folder));
    console.log(await build(project, out ? resolve(out) : join(project.folder, 'dist', `${project.name}.wasm`)));
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) {
      throw error;
    }
    console.error(`build.mjs: ${error.message}`);
    return 1;
  }
}

/** Folder, name, main file and world of a project. */
function read(folder) {
  const main = ['src/main.ts', 'main.ts'].find((file) => existsSync(join(folder, file)));
  if (!main) {
    throw new Failure(`there is no src/main.ts and no main.ts in ${folder}`);
  }
  const manifest = join(folder, 'package.json');
  const { name, tandem } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {};
  const world = tandem?.world ?? 'call-scenario';
  if (!Object.hasOwn(HANDLERS, world)) {
    throw new Failure(`${manifest}: ${JSON.stringify(world)} is no world: there are ${Object.keys(HANDLERS).join(', ')}`);
  }
  return { folder, main, name: (name ?? basename(folder)).split('/').pop(), world };
}

/** The folder whose node_modules has the tools. */
function tools() {
  if (process.env.TANDEM_GUEST_TYPESCRIPT) {
    return process.env.TANDEM_GUEST_TYPESCRIPT;
  }
  const script = resolve(HERE, '../../scripts/guest-languages.sh');
  const found = spawnSync('bash', [script, 'typescript'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  const line = (found.stdout ?? '').split('\n').find((line) => line.startsWith('TYPESCRIPT='));
  if (found.status !== 0 || !line) {
    throw new Failure(`${script} typescript ended with ${found.status}`);
  }
  return line.slice('TYPESCRIPT='.length);
}

async function build(project, out) {
  await link(project);
  const folder = tools();
  const tool = createRequire(join(folder, 'package.json'));
  checkTypes(project, tool);
  const component = await componentize(await bundle(project, tool), project.world, tool);
  await mkdir(dirname(out), { recursive: true });
  // Written aside and renamed: who reads meanwhile sees the old one or the new one.
  const aside = join(dirname(out), `.${basename(out)}.${process.pid}.new`);
  await writeFile(aside, component);
  await rename(aside, out);
  return out;
}

/** Makes `@tandem/scenario` this package, for the bundler, the type checker and editors alike. */
async function link({ folder }) {
  const place = join(folder, 'node_modules/@tandem/scenario');
  if (!existsSync(place)) {
    await rm(place, { force: true }); // A link that leads nowhere.
    await mkdir(dirname(place), { recursive: true });
    await symlink(HERE, place);
  }
}

function checkTypes({ folder }, tool) {
  if (!existsSync(join(folder, 'tsconfig.json'))) {
    return;
  }
  const compiler = tool.resolve('typescript/bin/tsc');
  const checked = spawnSync(process.execPath, [compiler, '--project', folder, '--noEmit', '--pretty', 'false'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (checked.status !== 0) {
    throw new Failure(`types do not fit:\n${checked.stdout.trimEnd()}`);
  }
}

/** One file of JavaScript, with its source map behind it. */
async function bundle({ folder, main, world }, tool) {
  const { build } = tool('esbuild');
  const contents = [
    `import '@tandem/scenario';`, // The sandbox, before anything that might keep what it replaces.
    `import './${main}';`,
    `import { ${HANDLERS[world]}, check } from '@tandem/scenario/entry';`,
    `check('${world}');`,
    `export { ${HANDLERS[world]} };`,
  ].join('\n');
  const built = await build({
    stdin: { contents, resolveDir: folder, sourcefile: 'tandem-entry.ts', loader: 'ts' },
    outfile: join(folder, 'scenario.js'),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'default'],
    external: ['tandem:*'],
    sourcemap: 'external',
    sourcesContent: false,
    keepNames: false,
    logLevel: 'warning',
  }).catch(() => {
    throw new Failure('it does not bundle: what esbuild said is above');
  });
  const code = built.outputFiles.find((file) => file.path.endsWith('.js')).text;
  const { sources, mappings } = JSON.parse(built.outputFiles.find((file) => file.path.endsWith('.map')).text);
  const map = { sources: sources.map((source) => shown(source, folder)), mappings };
  return `${code}\n${MAP}${JSON.stringify(map)};\n`;
}

/** A source's path as its author knows it. */
function shown(source, folder) {
  const path = resolve(folder, source);
  if (path.startsWith(HERE + sep)) {
    return `@tandem/scenario/${relative(HERE, path)}`;
  }
  return relative(folder, path);
}

async function componentize(jsSource, world, tool) {
  const { componentize } = tool('componentize-qjs');
  try {
    const { component } = await componentize({
      jsSource,
      witPath: resolve(HERE, '../wit'),
      world,
      // Our contract has no async functions, and a host of ours no WASI.
      sync: true,
      stubWasi: true,
    });
    return component;
  } catch (error) {
    throw new Failure(`the module's top level does not run:\n${await mapped(error.message, jsSource, tool)}`);
  }
}

/** The engine's words with places in the sources, by the reader of source maps that scenarios have. */
async function mapped(words, bundle, tool) {
  const asked = /unknown import: `tandem:pbx\/([^@]*)@[^#]*#([^`]*)`/.exec(words);
  if (asked) {
    return `it asks the host for ${asked[1]}.${asked[2]}, and there is no call yet: ask in the handler`;
  }
  const reader = readFileSync(join(HERE, 'src/sourceMap.ts'), 'utf8');
  const { code } = await tool('esbuild').transform(reader, { loader: 'ts', format: 'esm' });
  const { original } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  globalThis.__tandemSourceMap = JSON.parse(bundle.slice(bundle.lastIndexOf(MAP) + MAP.length, -2));
  return words.replace(/[^\s(]*user\.js:(\d+):(\d+)/g, (place, line, column) => {
    const at = original(Number(line), Number(column));
    return at ? `${at.source}:${at.line}:${at.column}` : place;
  });
}

process.exitCode = await main(process.argv.slice(2));

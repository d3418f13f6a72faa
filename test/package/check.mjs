// `npm run test:package`: does what a stranger would do with the package, and prints what it costs them.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import ts from 'typescript'
import { programs, runSeedSamples } from './seed-samples.mjs'

const PACKAGES_MAX = 25
const IMPORT_TIMEOUT_MS = 20_000

/** What a browser downloads, in bytes after gzip. `code` is what the page's own module would say. */
const BUNDLES = [
  {
    name: 'core + WebSocket',
    // Not the 40 kB first hoped for: docs/decisions/0007-size-of-the-core.md.
    gzBytesMax: 76_000,
    code: "export * from 'peerweft/core'\nexport * from 'peerweft/transports/websocket'",
  },
  {
    name: 'core + WebSocket + gossip',
    gzBytesMax: 145_000,
    code: "export * from 'peerweft/core'\nexport * from 'peerweft/transports/websocket'\nexport * from 'peerweft/protocols/gossip'",
  },
  {
    name: 'protocol kit',
    gzBytesMax: 45_000,
    code: "export { defineProtocol, ProtocolHandler, Bytes } from 'peerweft'",
  },
  {
    name: 'MuSig2 with PSBTs',
    // Half of it are the schema compiler, which the kit has too, and the library of transactions.
    gzBytesMax: 140_000,
    code: "export { MuSig2 } from 'peerweft/protocols/musig2'",
  },
]

const root = join(import.meta.dirname, '..', '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.keys(manifest.exports).filter(key => key !== './package.json').map(key => key.replace(/^\./, manifest.name))

let failures = 0
const say = text => console.log(`  ${text}`)
/** Reports what is wrong together with what to do; the run goes on, so that one run shows everything. */
const fail = (text, remedy) => { failures++; console.log(`  FAIL ${text}\n       ${remedy}`) }
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const steps = { buildAndPack, lintPackage, install, importEntries, typeCheck, seedSamples, bundle }
const scratch = mkdtempSync(join(tmpdir(), 'package-'))
const consumer = join(scratch, 'consumer')
let tarball

try {
  for (const [name, step] of Object.entries(steps)) {
    console.log(name)
    await step()
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(failures === 0 ? 'package: all is well' : `package: ${failures} failures`)
process.exitCode = failures === 0 ? 0 : 1

function buildAndPack() {
  run('npm', ['run', '--silent', 'build'], root)
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', scratch], root))
  tarball = join(scratch, packed.filename)
  const paths = packed.files.map(file => file.path)
  const count = pattern => paths.filter(path => pattern.test(path)).length
  say(`${basename(tarball)}: ${packed.size} bytes, ${packed.unpackedSize} unpacked, ${paths.length} files`)
  say(`dist ${count(/^dist\//)}, lib ${count(/^lib\//)}, others: ${paths.filter(path => !/^(dist|lib)\//.test(path)).join(' ')}`)

  const strays = paths.filter(path => !/^(dist\/.*\.(js|d\.ts)(\.map)?|lib\/.*\.(ts|md)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path))
  if (strays.length > 0) fail(`does not belong into the package: ${strays.join(' ')}`, 'Move it out of dist and lib, or narrow "files" in package.json.')
  for (const needed of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (!paths.includes(needed)) fail(`${needed} is not in the package`, 'Write it, or list it under "files" in package.json.')
  }
}

async function lintPackage() {
  const { messages, pkg } = await publint({ pack: { tarball: toArrayBuffer(readFileSync(tarball)) }, strict: true })
  const wrong = messages.filter(({ type }) => type !== 'suggestion')
  for (const message of wrong) fail(`publint: ${formatMessage(message, pkg)}`, `See https://publint.dev/rules#${message.code.toLowerCase()}.`)
  say(`publint: ${wrong.length} complaints`)
}

function toArrayBuffer(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength)
}

function install() {
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--ignore-scripts', tarball], consumer)
  const lock = JSON.parse(readFileSync(join(consumer, 'node_modules', '.package-lock.json'), 'utf8'))
  const packages = Object.keys(lock.packages).map(path => path.replace(/^.*node_modules\//, ''))
  say(`${packages.length} packages installed (at most ${PACKAGES_MAX}): ${packages.join(' ')}`)
  if (packages.length > PACKAGES_MAX) fail(`${packages.length} packages, more than ${PACKAGES_MAX}`, 'Drop a dependency, or make it an optional peer that is loaded when needed.')
}

/** Each entry in a process of its own: an entry that leaves a timer or socket behind does not end. */
function importEntries() {
  const ways = {
    import: name => `const m = await import('${name}')`,
    require: name => `const m = (await import('node:module')).createRequire(import.meta.url)('${name}')`,
  }
  for (const entry of entries) {
    for (const [way, code] of Object.entries(ways)) {
      const script = `const t = performance.now(); ${code(entry)}; const ms = performance.now() - t
        console.log(JSON.stringify({ ms: Math.round(ms), names: Object.keys(m).length }))`
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: consumer, encoding: 'utf8', timeout: IMPORT_TIMEOUT_MS })
      const { ms, names } = status === 0 ? JSON.parse(stdout) : {}
      if (names > 0) say(`${way} ${entry}: ${names} names, ${ms} ms`)
      else if (status === 0) fail(`${way} ${entry} gives no names`, 'Export what the entry promises, or take it out of "exports".')
      else fail(`${way} ${entry}: ${status === null ? `still running after ${IMPORT_TIMEOUT_MS} ms` : `status ${status}`}\n${stderr}`, 'Load only declared dependencies, without top-level await (require refuses it), and leave nothing running.')
    }
  }
}

/** What `skipLibCheck` would hide matters most: an unresolved type becomes `any` without a word. */
function typeCheck() {
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'
// @ts-expect-error A module whose types were found knows its names; one of type any would not complain here.
void entry${index}.thereIsNoSuchName`)
  writeFileSync(join(consumer, 'consumer.ts'), `${imports.join('\n')}
import { P2PCoordinator, type P2PMessage, type PeerInfo } from 'peerweft'

const alice = new P2PCoordinator({ peerId: 'alice' })
export const id: string = alice.peerId
alice.on('message', (message: P2PMessage, from: PeerInfo) => void [message.payload, from.peerId])
// @ts-expect-error A peer id is text.
export const wrong: number = alice.peerId
`)
  writeFileSync(join(consumer, 'globals.d.ts'), 'declare const process: { env: Record<string, string | undefined> }\n')
  for (const [name, code] of Object.entries(programs)) writeFileSync(join(consumer, name), `${code}\nexport {}\n`)
  const seeds = Object.keys(programs).map(name => join(consumer, name))
  const options = {
    strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'], types: [], skipLibCheck: false,
  }
  const program = ts.createProgram([join(consumer, 'consumer.ts'), join(consumer, 'globals.d.ts'), ...seeds], options)
  const own = program.getSourceFiles().filter(file => file.fileName === join(consumer, 'consumer.ts') || seeds.includes(file.fileName) || file.fileName.includes(`/node_modules/${manifest.name}/`))
  // Asked file by file, ours alone: checking typebox's own declarations takes a quarter of a minute.
  const diagnostics = own.flatMap(file => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
  say(`a consumer's TypeScript: ${diagnostics.length} errors in ${own.length} files`)
  if (diagnostics.length > 0) {
    fail(ts.formatDiagnostics(diagnostics, { getCanonicalFileName: name => name, getCurrentDirectory: () => consumer, getNewLine: () => '\n' }),
      'Types that consumers see may come only from lib and its dependencies, not from devDependencies such as @types.')
  }
}

async function seedSamples() {
  try {
    await runSeedSamples(consumer, say)
  } catch (error) {
    fail(`seed samples: ${error.message}`, 'They must run unchanged: mend the library, not the sample.')
  }
}

async function bundle() {
  const everyEntry = entries.map(entry => ({ name: entry, gzBytesMax: Infinity, code: `export * from '${entry}'` }))
  for (const { name, gzBytesMax, code } of [...BUNDLES, ...everyEntry]) {
    const text = await bundleForBrowser(name, code)
    if (text === undefined) continue
    const gzBytes = gzipSync(text, { level: 9 }).length
    say(`${name}: ${text.length} bytes, ${gzBytes} gz${gzBytesMax < Infinity ? ` (at most ${gzBytesMax})` : ''}`)
    if (gzBytes > gzBytesMax) fail(`${name} is ${gzBytes} bytes gz, more than ${gzBytesMax}`, 'Find what came in: esbuild --metafile, then https://esbuild.github.io/analyze/.')
    const wrong = nodeWordsIn(text)
    if (wrong.length > 0) fail(`${name} says ${wrong.join(', ')}, which browsers do not have`, 'Give the entry a *.browser.ts of its own, or load the Node part in a *.node.ts.')
  }
}

async function bundleForBrowser(name, contents) {
  try {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: consumer },
      bundle: true, write: false, minify: true, format: 'esm', platform: 'browser', conditions: ['browser'], target: 'es2022', logLevel: 'silent',
      // wasm is fetched beside the bundle by whoever imports it; its bytes are not part of the script.
      loader: { '.wasm': 'file' }, outdir: scratch,
    })
    return outputFiles.find(file => file.path.endsWith('.js')).text
  } catch (error) {
    fail(`${name} does not bundle for browsers: ${error.message}`, 'An entry that browsers use must not import Node\'s modules.')
    return undefined
  }
}

/** Free uses of `Buffer` and `process`, and any `node:` module. Reads syntax, since error messages may say these words. */
function nodeWordsIn(text) {
  const found = new Set()
  const visit = node => {
    if (ts.isStringLiteralLike(node) && node.text.startsWith('node:')) found.add(node.text)
    if (ts.isIdentifier(node) && ['Buffer', 'process'].includes(node.text) && !isOnlyAName(node)) found.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('bundle.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS))
  return [...found]
}

/** Whether the identifier names a member (`message.process`, `{ process: 1 }`, a method) and not a variable. */
function isOnlyAName(node) {
  const { parent } = node
  return (ts.isBindingElement(parent) && parent.propertyName === node) || (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)
    || ts.isAccessor(parent)) && parent.name === node
}

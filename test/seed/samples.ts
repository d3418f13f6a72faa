import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** A sample as it stands in samples.md. */
export function sampleText(name: string): string {
  const found = new RegExp(`^## ${name}\\n\\n\`\`\`typescript\\n(.*?)^\`\`\`$`, 'ms').exec(SAMPLES)
  if (!found) throw new Error(`samples.md has no sample named ${name}`)
  return found[1]!
}

const SAMPLES = readFileSync(new URL('samples.md', import.meta.url), 'utf8')
const LIBRARY = new URL('../../lib/index.ts', import.meta.url)

export interface SampleOptions {
  /** What a reader of the document has in mind when coming to the sample: declared for the compiler, given when it runs. */
  given?: Record<string, { type: string; value: unknown }>
  /** Text to put in the place of text, for what cannot exist here, such as `ws://bob-server:8080`. */
  instead?: Record<string, string>
  /** Code around a sample that is a fragment. */
  before?: string
  after?: string
}

/** What is wrong with a sample in the eyes of a compiler with a plain user's settings: strict, and otherwise as it comes. */
export function complaintsAbout(name: string, options: SampleOptions = {}): string[] {
  const file = new URL(`sample-${name}.ts`, import.meta.url).pathname
  const declarations = Object.entries(options.given ?? {}).map(([variable, { type }]) => `declare const ${variable}: ${type}\n`).join('')
  const text = `import type * as peerweft from '../../lib/index.ts'\n${declarations}${withBorder(name, options).replaceAll("'peerweft'", "'../../lib/index.ts'")}`
  const host = ts.createCompilerHost(COMPILER)
  const readFile = host.getSourceFile.bind(host)
  host.getSourceFile = (path, ...rest) => (path === file ? ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true) : sources.get(path) ?? remembered(path, readFile(path, ...rest)))
  const program = ts.createProgram([file], COMPILER, host)
  const source = program.getSourceFile(file)
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

/** Parsing the library once is enough. */
const sources = new Map<string, ts.SourceFile>()
function remembered(path: string, file: ts.SourceFile | undefined): ts.SourceFile | undefined {
  if (file) sources.set(path, file)
  return file
}

const COMPILER: ts.CompilerOptions = {
  strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'], skipLibCheck: true, noEmit: true, allowImportingTsExtensions: true,
}

/** Runs a sample and returns what it printed and exported. */
export async function runSample(name: string, options: SampleOptions = {}): Promise<{ printed: unknown[][]; exported: Record<string, unknown> }> {
  const printed: unknown[][] = []
  const print = (...args: unknown[]): void => void printed.push(args)
  const given: Record<string, unknown> = { console: { log: print, error: print }, ...Object.fromEntries(Object.entries(options.given ?? {}).map(([variable, { value }]) => [variable, value])) }
  const key = `sample ${name} ${++runs}`
  ;(globalThis as Record<string, unknown>)[key] = given
  const { outputText } = ts.transpileModule(withBorder(name, options), { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 } })
  const code = `const { ${Object.keys(given).join(', ')} } = globalThis[${JSON.stringify(key)}]\n${outputText.replaceAll("'peerweft'", JSON.stringify(LIBRARY.href))}`
  const exported = await import(`data:text/javascript,${encodeURIComponent(code)}`) as Record<string, unknown>
  return { printed, exported }
}

let runs = 0

function withBorder(name: string, { before = '', after = '', instead = {} }: SampleOptions): string {
  let text = sampleText(name)
  for (const [from, to] of Object.entries(instead)) {
    if (!text.includes(from)) throw new Error(`the sample ${name} does not contain ${from}`)
    text = text.replaceAll(from, to)
  }
  return `${before}\n${text}\n${after}\n`
}

import { posix } from 'node:path'
import ts from 'typescript'

/**
 * The rooms of lib and who may import whom, as a pure function over sources, so that it can be
 * tried on planted ones. docs/architecture.md tells the story; this holds it.
 */

/** A room imports rooms of a lower rank and itself. A protocol's room is its own folder. */
const RANKS: Record<string, number> = {
  contracts: 0,
  foundation: 1,
  crypto: 1,
  wire: 2,
  'protocol-kit': 2,
  bitcoin: 2,
  transports: 3,
  peers: 3,
  protocols: 3,
  coordinator: 4,
  'front doors': 5,
  testing: 6,
  node: 6,
}

const PROTOCOL_MAY_IMPORT = ['contracts', 'foundation', 'crypto', 'protocol-kit', 'bitcoin']

/** External modules that only one room may import, and why. */
const DOORS: { module: RegExp; allowed: (file: string) => boolean; why: string }[] = [
  {
    module: /^(@noble\/.*|tiny-secp256k1(\/.*)?|secp256k1(\/.*)?|node:crypto)$/,
    allowed: file => roomOf(file) === 'crypto',
    why: 'only lib/crypto imports cryptographic code, so that backends stay interchangeable',
  },
  {
    module: /^@scure\/.*/,
    allowed: file => roomOf(file) === 'bitcoin',
    why: 'only lib/bitcoin imports the library of transactions and MuSig2 secrets, so that what touches coins is read in one place',
  },
  { module: /^ws$/, allowed: file => roomOf(file) === 'transports', why: 'only lib/transports knows sockets' },
  {
    module: /^node:(?!crypto$)/,
    allowed: file => roomOf(file) === 'node' || file.endsWith('.node.ts'),
    why: 'Node\'s own modules do not exist in a browser: only lib/node and files named *.node.ts import them',
  },
]

export interface Import {
  specifier: string
  typeOnly: boolean
  /** Loaded when needed, by `import()`. */
  dynamic: boolean
}

export interface Violation {
  rule: 'unknown room' | 'outside' | 'rank' | 'same rank' | 'protocol' | 'contracts are types' | 'door' | 'circle' | 'length'
  file: string
  text: string
}

/** Path below the repository, with forward slashes (`lib/wire/frame.ts`), to its text. */
export type Sources = ReadonlyMap<string, string>

/** Everything in `sources` that breaks a rule about imports. */
export function importViolations(sources: Sources): Violation[] {
  const graph = new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]))
  return [
    ...[...graph].flatMap(([file, imports]) => imports.flatMap(found => judgeImport(file, found) ?? [])),
    ...circles(graph),
  ]
}

/** Files longer than `linesMax`, save those excused with a reason. */
export function lengthViolations(sources: Sources, linesMax: number, excused: Record<string, string>): Violation[] {
  const long = new Map([...sources].map(([file, text]): [string, number] => [file, text.trimEnd().split('\n').length]).filter(([, lines]) => lines > linesMax))
  return [
    ...[...long].filter(([file]) => !(file in excused)).map(([file, lines]): Violation => ({
      rule: 'length', file, text: `${file} has ${lines} lines, more than ${linesMax}: give its second idea a file of its own, or list it with a reason`,
    })),
    ...Object.keys(excused).filter(file => !long.has(file)).map((file): Violation => ({
      rule: 'length', file, text: `${file} is excused from ${linesMax} lines and no longer needs it: remove the excuse`,
    })),
  ]
}

/** Packages and `node:` modules that loading `entry` loads at once, each with the file that asks for it. */
export function loadedBy(sources: Sources, entry: string): Map<string, string> {
  const loaded = new Map<string, string>()
  const seen = new Set<string>()
  const queue = [entry]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    for (const { specifier, typeOnly, dynamic } of importsOf(file, sources.get(file) ?? '')) {
      if (typeOnly || dynamic) continue
      const target = resolve(file, specifier)
      if (target === undefined) loaded.set(specifier, file)
      else queue.push(target)
    }
  }
  return loaded
}

function judgeImport(file: string, { specifier, typeOnly }: Import): Violation | undefined {
  const room = roomOf(file)
  const rank = rankOf(room)
  const broken = (rule: Violation['rule'], why: string): Violation => ({ rule, file, text: `${file} imports "${specifier}": ${why}` })
  if (rank === undefined) return broken('unknown room', `${room} is not a room of lib; put the file into one, or give the new room a rank`)

  const target = resolve(file, specifier)
  if (target === undefined) {
    if (room === 'contracts' && !typeOnly) return broken('contracts are types', 'contracts load nothing from outside; use "import type"')
    const door = DOORS.find(({ module, allowed }) => module.test(specifier) && !allowed(file))
    return door && broken('door', door.why)
  }
  if (!target.startsWith('lib/')) return broken('outside', 'what ships may not import what does not')

  const targetRoom = roomOf(target)
  const targetRank = rankOf(targetRoom)
  if (targetRank === undefined) return broken('unknown room', `${targetRoom} is not a room of lib`)
  if (targetRoom === room) return undefined
  if (room.startsWith('protocols/') && !PROTOCOL_MAY_IMPORT.includes(targetRoom)) {
    return broken('protocol', `a protocol imports ${PROTOCOL_MAY_IMPORT.join(', ')} and its own folder, never ${targetRoom}; what it needs of the rest is in its ProtocolContext`)
  }
  if (targetRank === rank) return broken('same rank', `${room} and ${targetRoom} both have rank ${rank} and must not know each other; a small type in contracts is usually missing`)
  if (targetRank > rank) return broken('rank', `${room} has rank ${rank} and ${targetRoom} rank ${targetRank}; a room imports only lower ranks`)
  return undefined
}

/** `contracts`, `protocols/gossip`, `front doors`: where a file of lib lives. */
function roomOf(file: string): string {
  const [, first = '', second, third] = file.split('/')
  if (second === undefined) return 'front doors'
  return first === 'protocols' && third !== undefined ? `protocols/${second}` : first
}

function rankOf(room: string): number | undefined {
  // A file directly in lib/protocols belongs to no protocol, so it has no rank either.
  return room === 'protocols' ? undefined : RANKS[room.startsWith('protocols/') ? 'protocols' : room]
}

/** The repository path a relative import means; undefined for packages. */
function resolve(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
}

/** Every module a file names: imports, re-exports, `import()`, types written `import('x')`, and augmentations. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean, dynamic = false): void => {
    if (node && ts.isStringLiteralLike(node)) found.push({ specifier: node.text, typeOnly, dynamic })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isModuleDeclaration(node)) add(node.name, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false, true)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest))
  return found
}

/** Circles among files. Types may go in circles inside contracts, where one concept a file makes that natural. */
function circles(graph: Map<string, Import[]>): Violation[] {
  const next = (file: string): string[] => (graph.get(file) ?? []).flatMap(({ specifier, typeOnly }) => {
    const target = resolve(file, specifier)
    if (target === undefined || !graph.has(target) || target === file) return []
    return typeOnly && roomOf(file) === 'contracts' && roomOf(target) === 'contracts' ? [] : [target]
  })
  const violations: Violation[] = []
  const done = new Set<string>()
  const path: string[] = []
  const walk = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      const circle = [...path.slice(at), file].join(' -> ')
      violations.push({ rule: 'circle', file, text: `${circle}: a circle of imports has no first file to understand, or to load; move what both need below them` })
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const target of next(file)) walk(target)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) walk(file)
  return violations
}

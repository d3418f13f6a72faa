import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * What lib may not reach for, by reason. A ban is lifted for a folder by naming its reason in
 * ROOMS; nothing else needs to change. Each message says why, then what to do instead.
 */
const BANS = {
  time: {
    why: 'Time is a parameter, so that the simulator can replay a run: take an IClock and call its now(), elapsedMs() or schedule().',
    globals: ['performance', 'setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame'],
    properties: [['Date', 'now'], ['AbortSignal', 'timeout']],
    syntax: ['NewExpression[callee.name="Date"][arguments.length=0]', 'CallExpression[callee.name="Date"]'],
  },
  randomness: {
    why: 'Randomness is a parameter, so that a seed decides every run: take a RandomBytes and draw from it.',
    globals: ['crypto'],
    properties: [['Math', 'random'], ...[
      'getRandomValues', 'randomBytes', 'randomFillSync', 'randomInt', 'randomPrivateKey', 'randomSecretKey', 'randomUUID',
    ].map(name => [undefined, name])],
    imports: [{ regex: '^(node:)?crypto$', importNamePattern: '^(random|getRandom|webcrypto)' }],
  },
  process: {
    why: 'lib also runs in browsers and inside other programs: take what you need as an option; only lib/node knows the process.',
    globals: ['process'],
  },
  console: {
    why: 'A library is silent by default: take an ILogger and write to that.',
    globals: ['console'],
  },
  node: {
    why: 'Node\'s own modules do not exist in a browser: import "node:..." in a file named *.node.ts or in lib/node; use Uint8Array for bytes.',
    globals: ['Buffer', '__dirname', '__filename', 'require'],
    imports: [{ regex: '^node:(?!crypto$)' }],
    dynamic: '^node:(?!crypto$)',
  },
  unprefixed: {
    why: 'Name Node\'s modules with their "node:" prefix, so that a package of the same name can never stand in.',
    imports: [{ regex: '^(assert|buffer|child_process|crypto|dgram|dns|events|fs|http|https|net|os|path|stream|tls|url|util|worker_threads|zlib)(/|$)' }],
    dynamic: '^(buffer|child_process|crypto|dgram|dns|events|fs|http|https|net|os|path|stream|tls|url|util|worker_threads|zlib)$',
  },
  curves: {
    why: 'lib/crypto is the only door to cryptographic code, so that backends stay interchangeable: import the operation from lib/crypto, or add it there.',
    imports: [{ regex: '^(@noble/.*|tiny-secp256k1(/.*)?|secp256k1(/.*)?|node:crypto)$' }],
    dynamic: '^(@noble\\u002F.*|tiny-secp256k1.*|secp256k1.*|node:crypto)$',
  },
  coins: {
    why: 'Only lib/bitcoin imports the library of transactions and MuSig2 secrets, so that what touches coins is read in one place: import the operation from lib/bitcoin, or add it there.',
    imports: [{ regex: '^@scure/' }],
    dynamic: '^@scure\\u002F',
  },
  sockets: {
    why: 'Only lib/transports knows sockets: take an ITransport, or add what is missing to the WebSocket transport.',
    imports: [{ regex: '^ws$' }],
    dynamic: '^ws$',
  },
  eval: {
    why: 'A strict content security policy refuses code made from text, so lib must work without it.',
    globals: ['eval', 'Function'],
  },
}

/** What each room may do that the rest of lib may not. Later entries win over earlier ones. */
const ROOMS = [
  { files: 'lib/**/*', allow: [] },
  // The adapters to the real clock, the real generator and a real terminal live here and nowhere else.
  { files: 'lib/foundation/**/*', allow: ['time', 'randomness', 'console'] },
  { files: 'lib/crypto/**/*', allow: ['curves'] },
  { files: 'lib/bitcoin/**/*', allow: ['coins'] },
  { files: 'lib/transports/**/*', allow: ['sockets'] },
  // Acceptance suites that drive real sockets need real deadlines; the simulator beside them must not.
  { files: 'lib/testing/**/real-time*', allow: ['time'] },
  { files: 'lib/node/**/*', allow: ['time', 'randomness', 'process', 'console', 'node'] },
]

/** The ESLint rules that enforce every ban except those lifted. */
function bansExcept(allowed) {
  const bans = Object.entries(BANS).filter(([reason]) => !allowed.includes(reason)).map(([, ban]) => ban)
  const each = (key, rule) => bans.flatMap(ban => (ban[key] ?? []).map(item => rule(item, ban.why)))
  // A rule set to "error" without options would keep the options of the block before it.
  const properties = each('properties', ([object, property], message) => ({ object, property, message }))
  return {
    'no-restricted-globals': ['error', {
      globals: each('globals', (name, message) => ({ name, message })),
      checkGlobalObject: true,
      globalObjects: ['window', 'self', 'global'],
    }],
    'no-restricted-properties': properties.length > 0 ? ['error', ...properties] : 'off',
    'no-restricted-syntax': ['error',
      ...each('syntax', (selector, message) => ({ selector, message })),
      ...bans.filter(ban => ban.dynamic).map(ban => ({ selector: `ImportExpression[source.value=/${ban.dynamic}/]`, message: ban.why })),
      {
        selector: 'MemberExpression[object.name=/^(globalThis|window|self|global)$/][property.name=/^(Date|Math|AbortSignal)$/]',
        message: 'Write Date, Math and AbortSignal by their bare names, so that the rules about time and randomness can see them.',
      },
    ],
    'no-restricted-imports': ['error', { patterns: each('imports', (pattern, message) => ({ ...pattern, message })) }],
  }
}

/** One block for a room's files and one for those named *.node.ts, where Node's modules are at home. */
const roomRules = ROOMS.flatMap(({ files, allow }) => [
  { files: [`${files}.ts`], rules: bansExcept(allow) },
  { files: [`${files}.node.ts`], rules: bansExcept([...allow, 'node']) },
])

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/', 'test/bench/peers/', 'test/package/seed-004/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs,ts}'],
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.{js,mjs}'], rules: { 'no-unused-vars': 'error' } },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      // A promise nobody waits for loses its error, and in a test its failure.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // Callers switch on `error.code`, and uvu counts a thrown non-Error as a pass.
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // A new member of a union has to be answered everywhere it is switched on.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', {
        argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true,
      }],
    },
  },
  ...roomRules,
)

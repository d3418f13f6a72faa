// How long a fresh process takes to import something, from this folder's packages or by file URL.
// node import.mjs SPECIFIER...   A specifier after --first is imported before the clock starts.
const [flag, ...rest] = process.argv.slice(2)
const [first, timed] = flag === '--first' ? [rest[0], rest.slice(1)] : [undefined, [flag, ...rest]]
if (first != null) await import(first)

const start = performance.now()
await Promise.all(timed.map(specifier => import(specifier)))
console.log(JSON.stringify({ ms: performance.now() - start }))
process.exit(0)

/**
 * `npm run bench:against -- REF`: compares the package of this checkout with that of another commit, by turns in one run,
 * and prints new / old.
 *
 * The exit code says whether all could be measured, not how the figures stand: they are for people to read. Nothing is
 * recorded. Boundary: the command line; how two packages are compared is in framework/compare.ts.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { cases } from "./framework/cases.ts"
import { compare, type Comparison } from "./framework/compare.ts"
import { commitOf, makePackages } from "./framework/packageAt.ts"
import { goFirst } from "./framework/priority.ts"
import { comparisonTable } from "./framework/table.ts"

const usage = `npm run bench:against -- REF [options]

  REF            a commit, branch or tag, whose package is the old one
  --case name    this case; may be given several times. Default: all of them
  --rounds n     rounds of each case, each in two new processes; 10 by default
  --json file    writes all that was measured to a file

cases: ${cases.map(({ name }) => name).join(", ")}
`

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`)
  process.exit(64)
}

const parse = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        case: { type: "string", multiple: true, default: [] },
        rounds: { type: "string", default: "10" },
        json: { type: "string" },
        help: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
const { positionals, values: options } = parse()
if (options.help) {
  console.log(usage)
  process.exit(0)
}
const rounds = Number(options.rounds)
if (!(Number.isSafeInteger(rounds) && rounds > 0)) fail("--rounds needs a number")
const unknown = options.case.find((name) => !cases.some((it) => it.name === name))
if (unknown !== undefined) fail(`there is no case ${unknown}`)
const [ref, ...others] = positionals
if (ref === undefined || others.length > 0) fail("name one commit to compare with")
const commit = commitOf(ref!) ?? fail(`git knows no commit ${ref}`)
const chosen = options.case.length === 0 ? cases : cases.filter(({ name }) => options.case.includes(name))

const showProgress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
// A signal must not leave the folders behind: without a listener it ends the process before 'exit' is emitted.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

console.log(`building ${ref} (${commit.slice(0, 10)}) ...`)
const packages = makePackages(commit)
const priority = goFirst() ? "the highest priority" : "the priority of any process, since a higher one is not allowed"
console.log(`measuring ${rounds} rounds of each case with ${priority} ...`)
const comparisons: Array<Comparison> = []
for (const it of chosen) {
  const onRound = (round: number, all: number) => showProgress(`${it.name}: round ${round} of ${all}`)
  comparisons.push(await compare(it, packages, { isTiny: false, rounds, onRound }))
  showProgress("")
}
console.log(comparisonTable(comparisons))
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(comparisons))

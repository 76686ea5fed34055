/**
 * `npm run bench:types`: measures what the type check of a program of 150 agents costs, by turns in one run.
 *
 * It compares the program with joins, and with kinds that are classes, to the program without. With `--against REF` it also
 * compares the program with joins to the same one in the package of another commit, or to the one without joins if that
 * package has none. The exit code says whether all could be measured. Boundary: the command line.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { projectRoot } from "./framework/child.ts"
import { commitOf, makePackages } from "./framework/packageAt.ts"
import { summarise } from "./framework/statistics.ts"
import { checkTypes, type TypeCheck } from "./framework/typeCheck.ts"
import { programText, type Variant, variants } from "./support/typesProgram.ts"

const usage = `npm run bench:types -- [options]

  --against ref  also compares with the package of a commit, branch or tag
  --agents n     agents of the program; 150 by default
  --rounds n     rounds, each of one check of every program; 7 by default
`

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`)
  process.exit(64)
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        against: { type: "string" },
        agents: { type: "string", default: "150" },
        rounds: { type: "string", default: "7" },
        help: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
const options = parse()
if (options.help) {
  console.log(usage)
  process.exit(0)
}
const [agents, rounds] = (["agents", "rounds"] as const).map((name) => {
  const value = Number(options[name])
  return Number.isSafeInteger(value) && value > 0 ? value : fail(`--${name} needs a number`)
}) as [number, number]

/** A program to check, and the folder of the package that it imports. */
interface Subject {
  readonly name: string
  readonly folder: string
  readonly variant: Variant
}

/** Whether a package knows joins, by its declarations. */
const hasJoins = (folder: string): boolean =>
  ["dist/src/program/Agent.d.ts", "dist/src/Agent.d.ts"]
    .map((path) => join(folder, path))
    .some((path) => existsSync(path) && /\bfunction join\b/.test(readFileSync(path, "utf8")))

const subjects: Array<Subject> = []
const against = options.against
let own = projectRoot
if (against !== undefined) {
  const commit = commitOf(against) ?? fail(`git knows no commit ${against}`)
  console.log(`building ${against} (${commit.slice(0, 10)}) ...`)
  const packages = makePackages(commit)
  own = packages.new
  const variant = hasJoins(packages.old) ? "joins" : "agents"
  subjects.push({ name: `${variant} at ${against}`, folder: packages.old, variant })
}
subjects.push(...variants.map((variant) => ({ name: variant, folder: own, variant })))

// A signal must not leave the folders behind: without a listener it ends the process before 'exit' is emitted.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

console.log(`checking ${agents} agents, ${rounds} rounds ...`)
const measured = new Map<Subject, Array<TypeCheck>>(subjects.map((subject) => [subject, []]))
for (let round = 0; round < rounds; round++) {
  // The order changes from round to round, so that a slow moment of the machine meets each of them.
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    measured.get(subject)!.push(checkTypes(subject.folder, programText(agents, subject.variant)))
  }
}

const fine = (number: number): string => number.toFixed(3)

const first = measured.get(subjects[0]!)!
for (const [{ name }, checks] of measured) {
  const ms = summarise(checks.map((check) => check.ms))
  const ratio = summarise(checks.map((check, round) => check.ms / first[round]!.ms))
  const [{ instantiations }] = checks as [TypeCheck]
  console.log(
    `${name}: ${ms.median.toFixed(0)} ms (${ms.p10.toFixed(0)} – ${ms.p90.toFixed(0)}), ` +
      `to ${subjects[0]!.name} ${fine(ratio.median)} (${fine(ratio.p10)} – ${fine(ratio.p90)}), ` +
      `${instantiations.toLocaleString("en-US")} instantiations (${fine(instantiations / first[0]!.instantiations)})`
  )
}

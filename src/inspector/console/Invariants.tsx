/** The invariants of a program, and what they say of the job at the shown cycle. Nothing is said of one that nobody has asked. */
import { plural } from "./format.ts"
import { Panel, Said } from "./parts.tsx"
import { shownDiagnosis, shownState } from "./past.ts"
import type { Diagnosis, Graph } from "./shapes.ts"
import { ViolationFacts } from "./Violation.tsx"

type Invariant = Graph["invariants"][number]

/** The reasons of invariants that do not hold: the semantic ones that are violated, and the one that ended the job. */
const reasonsOf = ({ error, violated }: Diagnosis): ReadonlyMap<string, string> => {
  const reasons = new Map(violated.map(({ name, reason }) => [name, reason]))
  if (error?._tag !== "InvariantViolated") return reasons
  const { name, reason } = error
  if (typeof name === "string" && !reasons.has(name)) reasons.set(name, typeof reason === "string" ? reason : "")
  return reasons
}

const Verdict = ({ invariant: { class: sort, name } }: { readonly invariant: Invariant }) => {
  const { value: found } = shownDiagnosis
  if (found === undefined) return null
  const reason = reasonsOf(found).get(name)
  if (reason !== undefined) {
    return (
      <span class="badText">
        does not hold: <Said text={reason} limit={400} />
      </span>
    )
  }
  // An acceptance invariant is asked when the job would converge.
  if (sort === "acceptance" && shownState.value !== "converged") return <span class="soft">is asked at the end</span>
  const refused = refusedBy(found, name)
  return (
    <>
      <span class="goodText">holds</span>
      {refused === 0
        ? null
        : `: ${plural(refused, "effect")} that would have broken it ${refused === 1 ? "was" : "were"} refused`}
    </>
  )
}

/** The effects that an invariant has refused, as far as the diagnosis names them. */
const refusedBy = ({ failures }: Diagnosis, name: string): number =>
  failures
    .filter(({ _tag, message }) => _tag === "InvariantViolated" && message.startsWith(`${name}: `))
    .reduce((sum, { count }) => sum + count, 0)

export const Invariants = ({ list }: { readonly list: ReadonlyArray<Invariant> }) => (
  <Panel title="Invariants">
    <ul class="lines">
      {list.map((invariant) => (
        <li key={invariant.name}>
          <b>
            <Said text={invariant.name} />
          </b>{" "}
          <small>{invariant.class}</small> <Verdict invariant={invariant} />
          {shownDiagnosis.value?.error?.["name"] === invariant.name ? (
            <ViolationFacts error={shownDiagnosis.value.error} failure={shownDiagnosis.value.failure} />
          ) : null}
        </li>
      ))}
    </ul>
  </Panel>
)

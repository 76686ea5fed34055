/**
 * The conflicts about a fact: effects of tasks and signals that proposed another value of it, with both sides.
 *
 * A job that runs names none yet; a past cycle of it does.
 */
import type { ErrorJson, FactRef } from "./api.ts"
import { number } from "./format.ts"
import { at, job } from "./jobStore.ts"
import { CycleLink } from "./links.tsx"
import { Said } from "./parts.tsx"
import { shownDiagnostics } from "./past.ts"
import { Sides } from "./Sides.tsx"

const shown = 20

interface Conflict {
  readonly cycle: number
  readonly agent: string
  readonly cause: ErrorJson
}

/** The conflicts up to the shown cycle, in the diagnostics of a result or of a past cycle. One that ended the job is there. */
const conflictsOf = ({ id, kind }: FactRef): ReadonlyArray<Conflict> =>
  (job.value?.result?.diagnostics ?? shownDiagnostics.value ?? []).filter(
    ({ cause, cycle }) =>
      cycle <= (at.value ?? Infinity) && cause._tag === "MergeConflict" && cause["kind"] === kind && cause["id"] === id
  )

export const Conflicts = ({ fact }: { readonly fact: FactRef }) => {
  const list = conflictsOf(fact)
  if (list.length === 0) return null
  return (
    <section aria-label="Conflicts">
      <h3>
        Conflicts <small>{number(list.length)}</small>
      </h3>
      <ul>
        {list.slice(0, shown).map(({ agent, cause, cycle }, index) => (
          <li key={index}>
            <p>
              {agent === "" ? "a signal" : <Said text={agent} limit={80} />} in <CycleLink cycle={cycle} />
            </p>
            <Sides error={cause} />
          </li>
        ))}
      </ul>
    </section>
  )
}

/**
 * The facts that the violation of an invariant names, with the values that the job has of them.
 *
 * A structural invariant refuses an effect, and a refused effect leaves no values behind: neither journal nor events have them.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, type ErrorJson, type FactRef, ofJob, queryOf } from "./api.ts"
import { nameParts } from "./factNames.ts"
import { brief, number, plural } from "./format.ts"
import { jobId } from "./jobStore.ts"
import { FactLink } from "./links.tsx"
import { Said } from "./parts.tsx"
import type { Diagnosis, History } from "./shapes.ts"

/** Tuning: named facts that are shown. */
const most = 10
const valueLength = 400
/** The page before this place is the last one. */
const theEnd = "999999999999999"

const isRef = (value: unknown): value is FactRef =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  typeof value.kind === "string" &&
  "id" in value &&
  typeof value.id === "string"

/** The facts that a violation names. */
const factsIn = ({ facts }: ErrorJson): ReadonlyArray<FactRef> => (Array.isArray(facts) ? facts.filter(isRef) : [])

type Revision = History["revisions"][number]

/** The last value of a fact; undefined while it is asked for, and null if the job has none. */
const useLast = (fact: FactRef, at: number | undefined): Revision | null | undefined => {
  const found = useSignal<Revision | null | undefined>(undefined)
  const id = jobId.value
  const parts = queryOf({ ...nameParts(fact), at, limit: 1, before: theEnd, valueLength })
  useEffect(() => {
    found.value = undefined
    if (id === undefined) return undefined
    const abort = new AbortController()
    void ask<History>(ofJob(id, `/history${parts}`), { signal: abort.signal }).then((answer) => {
      if (answer?.ok === true) found.value = answer.value.revisions.at(-1) ?? null
    })
    return () => abort.abort()
  }, [id, parts])
  return found.value
}

const Named = ({ at, fact }: { readonly fact: FactRef; readonly at: number | undefined }) => {
  const last = useLast(fact, at)
  if (last === null) {
    return (
      <li>
        <Said text={`${fact.kind}/${fact.id}`} limit={180} />: <span class="soft">the job has no such fact</span>
      </li>
    )
  }
  return (
    <li>
      <FactLink fact={fact} />
      {last === undefined ? null : (
        <>
          {": "}
          <code>
            <Said text={brief(last.value, 200)} limit={201} />
          </code>{" "}
          <small>cycle {number(last.provenance.cycle)}</small>
        </>
      )}
    </li>
  )
}

/** The facts that an error of an invariant names, and why the refused value is not here. Nothing for another error. */
export const ViolationFacts = ({ error, failure }: Pick<Diagnosis, "error" | "failure">) => {
  if (error?._tag !== "InvariantViolated") return null
  const facts = factsIn(error)
  const isRefused = error["class"] === "structural"
  const cycle = typeof error["cycle"] === "number" ? error["cycle"] : undefined
  const isOfTask = failure?._tag === "InvariantViolated"
  return (
    <div class="violation">
      {facts.length === 0 ? (
        <p class="soft">The violation names no fact.</p>
      ) : (
        <>
          <h3>The violation names</h3>
          <ul class="lines" aria-label="Facts that the violation names">
            {facts.slice(0, most).map((fact) => (
              <Named key={`${fact.kind}/${fact.id}`} fact={fact} at={cycle} />
            ))}
            {facts.length > most ? <li class="soft">and {plural(facts.length - most, "more fact")}</li> : null}
          </ul>
        </>
      )}
      {isRefused ? (
        <p class="soft">
          The effect
          {isOfTask ? (
            <>
              {" of "}
              <Said text={failure.agent} limit={80} />
              {failure.each === null ? null : (
                <>
                  {" on "}
                  <FactLink fact={failure.each} />
                </>
              )}
            </>
          ) : null}{" "}
          was refused as a whole. The values that it wanted to write are not recorded; those shown are the ones that the
          job had.
        </p>
      ) : null}
    </div>
  )
}

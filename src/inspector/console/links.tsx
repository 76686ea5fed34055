/** Links to facts and cycles within the job. */
import { Said } from "./parts.tsx"
import { job } from "./jobStore.ts"
import { factQuery, isNameable, type Nameable } from "./factNames.ts"
import { go, hrefOf, type Route, route } from "./route.ts"

/** A link to a fact. The address names it by kind and id, so it can be kept. */
export const FactLink = ({ fact }: { readonly fact: Nameable }) => {
  const { id, kind } = fact
  const { value } = route
  if (value.page !== "job" || !isNameable(fact)) return <Said text={`${kind}/${id}`} limit={180} />
  return (
    <a
      class="fact"
      href={hrefOf({
        ...value,
        view: "facts",
        query: { ...value.query, from: "", with: "", ...factQuery(fact) }
      })}
    >
      <b>
        <Said text={kind} limit={60} />
      </b>
      /<Said text={id} limit={120} />
    </a>
  )
}

/** The facts of a kind, as a place. */
const ofKind = (kind: string): Route | undefined => {
  const { value } = route
  if (value.page !== "job") return undefined
  const at = value.query["at"]
  return { ...value, view: "facts", query: at === undefined ? { kind } : { at, kind } }
}

export const openKind = (kind: string): void => {
  const to = ofKind(kind)
  if (to !== undefined) go(to)
}

export const KindLink = ({ kind }: { readonly kind: string }) => {
  const to = ofKind(kind)
  return to === undefined ? (
    <Said text={kind} limit={80} />
  ) : (
    <a href={hrefOf(to)}>
      <Said text={kind} limit={80} />
    </a>
  )
}

/** Opens the fact that a task was about, as it was after the task's cycle. A task about no fact opens all facts of that cycle. */
export const openTask = ({ cycle, each }: { readonly cycle: number; readonly each: Nameable | undefined }): void => {
  const { value } = route
  if (value.page !== "job") return
  const at = cycle < (job.value?.cycle ?? 0) ? { at: String(cycle) } : { at: "" }
  go({ ...value, view: "facts", query: { ...value.query, from: "", with: "", ...at, ...(each && factQuery(each)) } })
}

export const CycleLink = ({ cycle }: { readonly cycle: number }) => {
  const { value } = route
  return (
    <a class="cycle" href={hrefOf({ ...value, query: { ...value.query, at: String(cycle) } })}>
      cycle {cycle}
    </a>
  )
}

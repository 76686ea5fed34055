/**
 * The facts of a derivation as lists, page by page: every fact that the picture has no room for is in one of them.
 *
 * The causes are there with the derivation. The facts that follow are asked for when their list is opened.
 */
import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect } from "preact/hooks"
import { ask, type Explanation, type Fact, ofJob, type Problem, queryOf } from "./api.ts"
import { nameParts } from "./factNames.ts"
import { number, plural } from "./format.ts"
import { at } from "./jobStore.ts"
import { CycleLink, FactLink } from "./links.tsx"
import { Fault, Said } from "./parts.tsx"
import type { FactRef, Lineage } from "./shapes.ts"

/** Facts of a page. */
const pageLength = 50

interface PageProps {
  readonly facts: ReadonlyArray<Pick<Fact, "kind" | "id" | "provenance">>
  readonly label: string
  readonly onBack: (() => void) | undefined
  readonly onOn: (() => void) | undefined
  readonly children?: ComponentChildren
}

const Page = ({ children, facts, label, onBack, onOn }: PageProps) => (
  <>
    <ol class="derivedFacts" aria-label={label}>
      {facts.map((fact) => (
        <li key={fact.provenance.version}>
          <FactLink fact={fact} />
          <small>
            <Said text={fact.provenance.agent || fact.provenance.origin} limit={40} /> ·{" "}
            <CycleLink cycle={fact.provenance.cycle} />
          </small>
        </li>
      ))}
    </ol>
    {onBack === undefined && onOn === undefined ? null : (
      <div class="toolbar">
        <button type="button" disabled={onBack === undefined} onClick={onBack}>
          earlier
        </button>
        <span class="soft" role="status">
          {children}
        </span>
        <button type="button" disabled={onOn === undefined} onClick={onOn}>
          later
        </button>
      </div>
    )}
  </>
)

/** Opens when it is asked for, and stays open over pages. */
const List = ({
  children,
  name,
  onOpen,
  title
}: {
  readonly name: string
  readonly title: string
  readonly onOpen?: () => void
  readonly children: ComponentChildren
}) => (
  <details class={name} onToggle={({ currentTarget }) => (currentTarget.open ? onOpen?.() : undefined)}>
    <summary>{title}</summary>
    {children}
  </details>
)

export const CauseList = ({ explanation }: { readonly explanation: Explanation }) => {
  const first = useSignal(0)
  const causes = explanation.nodes.slice(1)
  const isOpen = useSignal(false)
  if (causes.length === 0) return null
  const start = Math.min(first.value, causes.length - 1)
  const page = isOpen.value ? causes.slice(start, start + pageLength) : []
  const last = start + page.length
  return (
    <List
      name="causes"
      title={`${plural(causes.length, "fact")} before it, as a list`}
      onOpen={() => (isOpen.value = true)}
    >
      <Page
        facts={page}
        label="Facts that it follows from, the nearest first"
        onBack={start > 0 ? () => (first.value = Math.max(0, start - pageLength)) : undefined}
        onOn={last < causes.length ? () => (first.value = last) : undefined}
      >
        {number(start + 1)} to {number(last)} of {number(causes.length)}
      </Page>
    </List>
  )
}

interface FollowingProps {
  readonly jobId: string
  readonly fact: FactRef
  readonly count: number
  readonly isWithout: boolean
}

export const FollowingList = ({ count, fact, isWithout, jobId }: FollowingProps) => {
  const isOpen = useSignal(false)
  const side = useSignal<Readonly<Record<string, string>>>({})
  const page = useSignal<Lineage | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const cycle = at.value
  const { id, kind } = fact
  useEffect(() => {
    if (!isOpen.value) return undefined
    const abort = new AbortController()
    const parts = { ...nameParts({ id, kind }), at: cycle, limit: pageLength, valueLength: 0, ...side.value }
    const query = queryOf(isWithout ? { ...parts, without: "true" } : parts)
    void ask<Lineage>(ofJob(jobId, `/lineage${query}`), { signal: abort.signal }).then((answer) => {
      if (answer === undefined || abort.signal.aborted) return
      problem.value = answer.ok ? undefined : answer.problem
      if (answer.ok) page.value = answer.value
    })
    return () => abort.abort()
  }, [jobId, id, kind, cycle, isWithout, isOpen.value, side.value])
  if (count === 0) return null
  const { cursor = null, facts = [], previous = null } = page.value ?? {}
  const what = isWithout ? "that would go without it" : "after it"
  return (
    <List name="following" title={`${plural(count, "fact")} ${what}, as a list`} onOpen={() => (isOpen.value = true)}>
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      <Page
        facts={facts}
        label={isWithout ? "Facts that would go without it" : "Facts that follow from it"}
        onBack={previous === null ? undefined : () => (side.value = { before: previous })}
        onOn={cursor === null ? undefined : () => (side.value = { cursor })}
      >
        in the order of their commits
      </Page>
    </List>
  )
}

/**
 * The facts: kinds on the left, facts of a kind in the middle, and the chosen fact with its history and derivation on the
 * right.
 *
 * Counts are of facts and not of revisions. Everything is as of the cycle that the page shows; two cycles can be compared.
 */
import { useSignal } from "@preact/signals"
import { Fragment } from "preact"
import { useEffect } from "preact/hooks"
import { type Fact, queryOf } from "./api.ts"
import { counts, factCount } from "./counts.ts"
import { DiffView } from "./DiffView.tsx"
import { FactPane } from "./FactPane.tsx"
import {
  factAt,
  foundCount,
  hasFound,
  isAnswered,
  isLoading,
  need,
  problem,
  refresh,
  rowOf,
  searched,
  show
} from "./factsStore.ts"
import { brief, bytes, number, plural } from "./format.ts"
import { at, graph, hasNoPast, isOver, job, jobId } from "./jobStore.ts"
import { Empty, Fault, Said, visible } from "./parts.tsx"
import { later, poll } from "./browser.ts"
import { factIn, factQuery } from "./factNames.ts"
import { own } from "./own.ts"
import { change, route } from "./route.ts"
import { asksForResults, goIntoResults } from "./search.ts"
import { VirtualList } from "./virtual.tsx"

/** The name of a kind, which may break before a word in it: `UnusedExport` has two. */
const KindName = ({ name }: { readonly name: string }) => {
  if (!/^\w{1,80}$/.test(name)) return <Said text={name} limit={80} />
  return (
    <bdi>
      {name.split(/(?<=[a-z\d])(?=[A-Z])/).map((word, index) => (
        <Fragment key={index}>
          {index === 0 ? null : <wbr />}
          {word}
        </Fragment>
      ))}
    </bdi>
  )
}

const Kinds = ({ kind }: { readonly kind: string }) => {
  const known = counts.value ?? {}
  const names = [...new Set([...Object.keys(known), ...(graph.value?.kinds.map(({ name }) => name) ?? [])])].sort()
  const total = factCount.value
  return (
    <ul class="kinds" aria-label="Kinds">
      {["", ...names].map((name) => (
        <li key={name}>
          <button
            type="button"
            class={name === kind ? "on" : ""}
            aria-pressed={name === kind}
            onClick={() => change({ kind: name })}
          >
            <span>{name === "" ? "all kinds" : <KindName name={name} />}</span>
            <small class="num">
              {total === undefined ? "–" : number(name === "" ? total : (own(known, name) ?? 0))}
            </small>
          </button>
        </li>
      ))}
    </ul>
  )
}

const Search = () => {
  const { query } = route.value
  const text = useSignal(query["q"] ?? "")
  // The viewer has asked for the results of a text whose answer is on its way.
  const isGoing = useSignal(false)
  const isHere = hasFound(text.value)
  useEffect(() => {
    if (!isGoing.value || !isHere) return
    isGoing.value = false
    goIntoResults()
  }, [isGoing.value, isHere])
  useEffect(() => {
    if (text.value === (route.peek().query["q"] ?? "")) return undefined
    return later(200, () => change({ q: text.value }))
  }, [text.value])
  // The address may change by itself, such as by a step back.
  useEffect(() => void (text.value = route.peek().query["q"] ?? ""), [query["q"]])
  return (
    <input
      type="search"
      id="search"
      aria-label="Search facts by id or value"
      placeholder="Search ids and values   /"
      value={text.value}
      onInput={({ currentTarget }) => {
        isGoing.value = false
        text.value = currentTarget.value
      }}
      onBlur={() => (isGoing.value = false)}
      onKeyDown={(event) => {
        if (!asksForResults(event)) return
        event.preventDefault()
        change({ q: text.value })
        isGoing.value = true
      }}
    />
  )
}

/** The cycle, or the job, that the facts are compared with. */
const Compare = () => {
  const last = at.value ?? job.value?.cycle ?? 0
  const { query } = route.value
  const other = query["with"] ?? ""
  const isOn = (query["from"] ?? "") !== ""
  if (other !== "") {
    return (
      <p class="compare">
        compared with <Said text={other} limit={60} />{" "}
        <button type="button" class="quiet" onClick={() => change({ with: "" })}>
          all facts
        </button>
      </p>
    )
  }
  return (
    <span class="compare">
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={({ currentTarget }) => change({ from: currentTarget.checked ? String(Math.max(0, last - 1)) : "" })}
        />{" "}
        changes since cycle
      </label>
      <input
        type="number"
        min={0}
        max={last}
        disabled={!isOn}
        aria-label="the earlier cycle"
        value={query["from"] ?? String(Math.max(0, last - 1))}
        onChange={({ currentTarget }) => change({ from: currentTarget.value })}
      />
      {Number(query["from"] ?? "") > last ? (
        <small role="status">
          The {at.value === undefined ? "newest" : "shown"} cycle is {number(last)}
        </small>
      ) : null}
    </span>
  )
}

/** The comparison that is asked for: its path on the server, and its title. Undefined if there is none. */
const comparison = (
  from: string,
  other: string,
  to: number
): { readonly path: string; readonly title: string } | undefined => {
  if (other !== "") {
    const path = `/diff/${encodeURIComponent(other.toWellFormed())}${queryOf({ at: at.value })}`
    return { path, title: `From this job to ${visible(other, 100)}` }
  }
  if (!/^\d{1,9}$/.test(from)) return undefined
  // A later cycle than the last one has nothing to compare.
  const first = Math.min(Number(from), to)
  return { path: `/diff?from=${first}&to=${to}`, title: `Changes from cycle ${first} to ${to}` }
}

/** Between two looks at the facts of a job that lives. */
const refreshMs = 2_000

/**
 * The cycle up to which changes are shown: the chosen one, or the newest one of when they were asked for. The job may commit
 * many meanwhile, and a comparison that followed them would take the list from under the viewer, and much of the server's time.
 */
const useCompared = (of: string) => {
  const newest = job.value?.cycle ?? 0
  const asked = useSignal({ of, to: newest })
  const isAsked = asked.value.of === of && asked.value.to > 0
  useEffect(() => {
    if (!isAsked) asked.value = { of, to: newest }
  }, [of, isAsked, newest])
  const to = at.value ?? (isAsked ? asked.value.to : newest)
  return {
    to,
    newer: at.value === undefined && newest > to ? newest : undefined,
    renew: () => (asked.value = { of, to: newest })
  }
}

/** The way to the changes of cycles that were committed since the comparison. */
const Newer = ({ cycle, onRenew }: { readonly cycle: number; readonly onRenew: () => void }) => (
  <p class="soft">
    The job has gone on to cycle {number(cycle)}.{" "}
    <button type="button" onClick={onRenew}>
      Compare with it
    </button>
  </p>
)

/** The rows that are in the document. A refresh asks for them again. */
let inSight = { first: 0, last: 0 }

const FactRow = ({ fact, hasKind }: { readonly fact: Fact | undefined; readonly hasKind: boolean }) => {
  if (fact === undefined) return <span class="who wait" aria-label="it is on its way" />
  const { id, kind, length, provenance, value } = fact
  return (
    <>
      <span class="who">
        <b>
          {hasKind ? (
            <>
              <Said text={kind} limit={40} />/
            </>
          ) : null}
          <Said text={id} limit={120} />
        </b>
        <small>
          <Said text={brief(value, 160)} limit={200} />
          {length === undefined ? null : ` (${bytes(length)})`}
        </small>
      </span>
      <small class="num">
        <Said text={provenance.agent || provenance.origin} limit={30} /> · {number(provenance.cycle)}
      </small>
    </>
  )
}

const Searching = () =>
  searched.value === undefined ? null : (
    <p class="soft" role="status">
      {plural(foundCount.value ?? 0, "fact")} found in the first {Math.floor(searched.value * 100)} % of the job
      {isLoading.value ? "; searching on…" : "; scroll to the end to search on."}
    </p>
  )

const FactList = ({
  kind,
  text,
  total
}: {
  readonly kind: string
  readonly text: string
  readonly total: number | undefined
}) => {
  const chosen = factIn(route.value.query)
  const count = foundCount.value ?? total ?? 0
  // A row that was chosen before its fact is here.
  const wanted = useSignal(-1)
  const arrived = wanted.value < 0 ? undefined : factAt(wanted.value)
  useEffect(() => {
    if (arrived === undefined) return
    wanted.value = -1
    change(factQuery(arrived))
  }, [arrived])
  const isChosen = (fact: Fact): boolean =>
    chosen !== undefined &&
    fact.kind === chosen.kind &&
    (chosen.id === undefined ? fact.provenance.version === chosen.version : fact.id === chosen.id)
  if (count === 0) {
    if (isLoading.value || !isAnswered.value || (foundCount.value ?? total) === undefined)
      return text === "" ? <Empty>Asking for the facts…</Empty> : <Searching />
    return (
      <Empty>
        {text !== ""
          ? "No fact has this text in its id or its value."
          : "No fact is here. Facts come from seeds, agents and signals."}
      </Empty>
    )
  }
  return (
    <>
      <Searching />
      <VirtualList
        class="factList"
        label={plural(count, "fact")}
        count={count}
        rowHeight={44}
        keyOf={String}
        row={(index) => <FactRow fact={factAt(index)} hasKind={kind === ""} />}
        chosen={wanted.value >= 0 ? wanted.value : chosen === undefined ? -1 : rowOf(isChosen)}
        onChoose={(index) => {
          const fact = factAt(index)
          wanted.value = fact === undefined ? index : -1
          if (fact !== undefined) change(factQuery(fact))
        }}
        onOpen={() => undefined}
        onShow={(first, last) => {
          inSight = { first, last }
          need(first, last)
        }}
      />
    </>
  )
}

export const FactsView = () => {
  const id = jobId.value
  const { query } = route.value
  const kind = query["kind"] ?? ""
  const text = query["q"] ?? ""
  const chosen = factIn(query)
  useEffect(() => {
    if (id !== undefined) show({ jobId: id, kind, q: text, at: at.value })
  }, [id, kind, text, at.value])
  useEffect(() => {
    const again = () => refresh(inSight.first, inSight.last)
    if (!isOver.value) return poll(refreshMs, again)
    // The last cycles may have come after the last look at a job that lived, and before this view was opened.
    void again()
    return undefined
  }, [isOver.value])
  if (id === undefined) return null
  const total =
    kind === "" ? factCount.value : counts.value === undefined ? undefined : (own(counts.value ?? {}, kind) ?? 0)
  const [from, other] = [query["from"] ?? "", query["with"] ?? ""]
  const { newer, renew, to } = useCompared(JSON.stringify([id, from]))
  const compared = comparison(from, other, to)
  return (
    <div class={chosen === undefined ? "facts" : query["wide"] === "1" ? "facts wide" : "facts chosen"}>
      <Kinds kind={kind} />
      <div class="list">
        <div class="toolbar">
          <Search />
          {hasNoPast.value ? null : <Compare />}
        </div>
        {problem.value === undefined ? null : <Fault problem={problem.value} />}
        {compared === undefined ? (
          <FactList kind={kind} text={text} total={total} />
        ) : (
          <>
            {newer === undefined || other !== "" ? null : <Newer cycle={newer} onRenew={renew} />}
            <DiffView key={compared.path} jobId={id} kind={kind} {...compared} />
          </>
        )}
      </div>
      {chosen === undefined ? (
        <section class="pane" aria-label="the chosen fact">
          <Empty>Choose a fact to see where it comes from and what follows from it.</Empty>
        </section>
      ) : (
        <FactPane key={JSON.stringify(chosen)} jobId={id} named={chosen} />
      )}
    </div>
  )
}

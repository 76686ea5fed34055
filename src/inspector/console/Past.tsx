/** The job as it was after the cycle that the page shows: its facts by kind, what it had used, and what the cycle changed. */
import { DiffView } from "./DiffView.tsx"
import { brief, number, plural } from "./format.ts"
import { at, jobId } from "./jobStore.ts"
import { Line, Panel, Said } from "./parts.tsx"
import { isPastAsked, replayed, standing } from "./past.ts"
import type { Replayed } from "./shapes.ts"

const kindsShown = 12

/** Numbers that the head of the page does not show: the tier, open intents, and the facts of each kind. */
const Numbers = ({ found: { diagnostics, facts, omitted, tier, unanswered } }: { readonly found: Replayed }) => (
  <dl class="numbers">
    <Line name="tier">{number(Math.max(0, tier))}</Line>
    {unanswered.length === 0 ? null : (
      <Line name="open intents">{number(unanswered.length + (omitted?.unanswered ?? 0))}</Line>
    )}
    {diagnostics.length === 0 ? null : (
      <Line name="diagnostics">{number(diagnostics.length + (omitted?.diagnostics ?? 0))}</Line>
    )}
    {Object.entries(facts)
      .slice(0, kindsShown)
      .map(([kind, count]) => (
        <Line key={kind} name={<Said text={kind} limit={40} />}>
          {plural(count, "fact")}
        </Line>
      ))}
  </dl>
)

const waitedText = (count: number): string =>
  standing.value?.state === "awaiting" ? plural(count, "answer") : `${number(count)}, had no answer yet`

/** The questions and other intents that had no answer then. The job waited for them only if it came to rest. */
const Waited = ({ found: { omitted, unanswered: list } }: { readonly found: Replayed }) =>
  list.length === 0 ? null : (
    <section>
      <h3>
        {standing.value?.state === "awaiting" ? "It waited for " : "Open intents "}
        <small>{waitedText(list.length + (omitted?.unanswered ?? 0))}</small>
      </h3>
      <ul class="lines">
        {list.slice(0, 20).map(({ agent, cycle, idempotencyKey, kind, payload }) => (
          <li key={idempotencyKey}>
            <Said text={kind} limit={80} /> of <Said text={agent} limit={80} />{" "}
            <small>
              since cycle {number(cycle)} · <Said text={brief(payload, 200)} limit={200} />
            </small>
          </li>
        ))}
      </ul>
    </section>
  )

export const Past = () => {
  const id = jobId.value
  const cycle = at.value
  const found = replayed.value
  if (id === undefined || cycle === undefined || (found === undefined && !isPastAsked.value)) return null
  return (
    <Panel
      title={`After cycle ${number(cycle)}`}
      note={found === undefined ? "" : plural(found.version, "commit")}
      tone="warn"
    >
      {found === undefined ? <p class="soft">Loading…</p> : <Numbers found={found} />}
      {found === undefined ? null : <Waited found={found} />}
      {cycle === 0 || found === undefined ? null : (
        <DiffView
          key={cycle}
          jobId={id}
          path={`/diff?from=${cycle - 1}&to=${cycle}`}
          title={`Changes of cycle ${number(cycle)}`}
          kind=""
        />
      )}
    </Panel>
  )
}

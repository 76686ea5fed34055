/** The answers that the console reads, by the names that it uses. Boundary: types; the server's shapes define them. */
import type * as Insight from "../../server/insightShapes.ts"
import type * as Shapes from "../../server/shapes.ts"

export type Diagnosis = typeof Insight.Diagnosis.Type
export type Standing = NonNullable<Diagnosis["standing"]>
export type TasksNow = typeof Insight.TasksNow.Type
export type RecordedCycle = typeof Insight.RecordedCycle.Type
export type Work = typeof Insight.Work.Type
export type TimelinePage = typeof Insight.TimelinePage.Type
export type Fact = typeof Shapes.Fact.Type
export type Explanation = typeof Shapes.Explanation.Type
export type FactRef = typeof Shapes.FactRef.Type
export type Graph = typeof Shapes.Graph.Type
export type History = typeof Insight.History.Type
export type Lineage = typeof Shapes.Lineage.Type
export type Diff = typeof Shapes.Diff.Type
export type Replayed = typeof Shapes.Replayed.Type
export type IntentStory = typeof Insight.IntentStory.Type
export type IntentPage = typeof Insight.IntentPage.Type
export type Me = typeof Insight.Me.Type

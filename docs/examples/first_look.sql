-- A first look at published marts with DuckDB's own command line:
--
--     duckdb -readonly data/demo/marts.duckdb < docs/examples/first_look.sql
--
-- Every statement can be changed and run by itself; more of them are in docs/queries.md.

-- What is in the file? Tables with the question each answers, as their comments say.
select
    schema_name || '.' || table_name as table_name,
    estimated_size as row_count,
    comment
from duckdb_tables()
where schema_name <> 'main'
order by table_name;

-- From when to when, from what, on which basis?
select
    published_at,
    as_of_date,
    settings ->> 'monetary_basis' as monetary_basis
from meta.run_manifest;

-- The last twelve whole months.
select
    order_month,
    orders,
    buyers,
    gross_revenue,
    net_revenue
from sales.rpt_sales_by_month
where not is_partial_month
order by order_month desc
limit 12;

-- Segments today: who they are, what they bring, what is planned for them.
select
    segments.name_en as segment,
    segments.customers,
    segments.revenue,
    round(segments.mean_recency_days) as mean_recency_days,
    strategies.goal_en as goal
from rfm.rpt_segments as segments
inner join rfm.dim_segment_strategies as strategies using (scheme, segment)
where
    segments.scheme = 'quintile'
    and segments.snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)
order by segments.segment_order;

-- Customers to write to: the twenty worth most among those at risk of leaving.
select
    scores.customer_id,
    snapshots.last_order_date,
    snapshots.monetary
from rfm.fct_rfm_scores as scores
inner join rfm.fct_rfm_snapshots as snapshots using (snapshot_date, customer_id)
where
    scores.scheme = 'quintile'
    and scores.segment in ('at_risk', 'cannot_lose')
    and scores.snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)
order by snapshots.monetary desc, scores.customer_id
limit 20;

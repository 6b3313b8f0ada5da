"""Published tables that a small shop's publication may lack, for tests of the report's charts.

Belongs here: cluster, check and drift tables in the columns that the report reads, filled
from the customers of the file by plain rules. Does not belong here: assertions, and how the
pipeline fills these tables.
"""

import shutil
from pathlib import Path

import duckdb

_CLUSTERS = """
create schema if not exists clusters;
create or replace table clusters.dim_clusters as
select * from (values
    ('C1', 1, 'core value', '核心价值', 'last order within 60 days and more than 4 orders',
     '60 天内下过单且订单多于 4 张', 0.93, 0.88),
    ('C2', 2, 'potential', '潜力', 'last order within 60 days and at most 4 orders',
     '60 天内下过单且订单不多于 4 张', 0.90, 0.91),
    ('C3', 3, 'win-back', '挽留', 'last order more than 60 days ago',
     '超过 60 天未下单', 0.97, 0.95)
) as t (cluster_id, cluster_number, cluster_name, cluster_name_zh, rule_en, rule_zh,
    rule_precision, rule_coverage);

create or replace table clusters.dim_cluster_models as
select
    'M1' as model_id, (select max(snapshot_date) from rfm.dim_snapshots) as snapshot_date,
    'kmeans' as algorithm, 'log1p' as transform, 3 as k, 42 as seed, 1000 as fitted_customers,
    'auto' as chosen_by, 'Three clusters are stable.' as reason_en, '三个簇稳定。' as reason_zh,
    true as is_stable, 'd1' as settings_digest;

create or replace table clusters.fct_customer_clusters as
select
    snapshot_date, customer_id, recency_days, frequency, monetary,
    case when recency_days > 60 then 'C3' when frequency > 4 then 'C1' else 'C2' end as cluster_id
from rfm.fct_rfm_snapshots
where snapshot_date = (select max(snapshot_date) from rfm.dim_snapshots);

create or replace table clusters.rpt_cluster_profiles as
select
    cluster_id, any_value(cluster_name) as cluster_name, count(*) as customers,
    count(*) / sum(count(*)) over () as customer_share, sum(monetary) as revenue,
    cast(sum(monetary) / sum(sum(monetary)) over () as double) as revenue_share,
    avg(recency_days) as mean_recency_days, avg(frequency) as mean_frequency,
    avg(monetary) as mean_monetary, sum(monetary) / nullif(sum(frequency), 0) as avg_order_value
from clusters.fct_customer_clusters
inner join clusters.dim_clusters using (cluster_id)
group by cluster_id;

create or replace table clusters.rpt_cluster_feature_quartiles as
select
    cluster_id, feature, any_value(number) as feature_number, min(value) as minimum,
    quantile_cont(value, 0.25) as lower_quartile,
    median(value) as median, quantile_cont(value, 0.75) as upper_quartile, max(value) as maximum,
    avg(value) as mean
from (
    select
        cluster_id, 'recency_days' as feature, 1 as number, cast(recency_days as double) as value
    from clusters.fct_customer_clusters
    union all
    select cluster_id, 'frequency', 2, frequency from clusters.fct_customer_clusters
    union all
    select cluster_id, 'monetary', 3, monetary from clusters.fct_customer_clusters
)
group by cluster_id, feature;

create or replace table clusters.rpt_k_selection as
select
    'M1' as model_id, k, 9000.0 / k + 400 as inertia, 0.30 + 0.02 * (k % 4) as silhouette,
    1.2 + k / 20 as davies_bouldin, 3000.0 / k as calinski_harabasz,
    400 // k as smallest_cluster_customers, 0.2 / k as smallest_cluster_share,
    0.95 - k / 40 as min_bootstrap_jaccard, 0.97 as mini_batch_agreement, k <= 6 as is_stable,
    k = 4 as is_elbow, k = 7 as is_best_silhouette, k = 3 as is_chosen
from range(2, 11) as t (k);

create or replace table clusters.rpt_cluster_sample as
select
    row_number() over (order by customer_id) as sample_number, cluster_id,
    ln(1 + greatest(monetary, 0)) / 2 - 3 as axis_1, ln(1 + recency_days) / 2 - 2 as axis_2
from clusters.fct_customer_clusters
order by customer_id
limit 2000;

create or replace table clusters.rpt_cluster_segments as
select
    'quintile' as scheme, scores.segment, members.cluster_id, count(*) as customers,
    count(*) / sum(count(*)) over (partition by scores.segment) as share_of_segment,
    count(*) / sum(count(*)) over (partition by members.cluster_id) as share_of_cluster,
    sum(members.monetary) as revenue
from clusters.fct_customer_clusters as members
inner join rfm.fct_rfm_scores as scores using (snapshot_date, customer_id)
where scores.scheme = 'quintile'
group by scores.segment, members.cluster_id;

create or replace table clusters.rpt_cluster_events as
select
    'M1' as model_id, date '2024-11-30' as snapshot_date, row_number() over () as event_number,
    'first_fit' as event, null::varchar as from_cluster_id, cluster_id as to_cluster_id,
    customers, customer_share as share,
    cluster_id || ' is new' as detail_en, cluster_id || ' 是新簇' as detail_zh
from clusters.rpt_cluster_profiles;

create or replace table clusters.rpt_cluster_prediction as
select *, date '2024-08-31' as from_date, date '2024-11-30' as to_date
from (values
    ('clusters', 1200, 0.41, 210.5, 0.52, true), ('rfm_quintile', 1200, 0.38, 215.2, 0.55, false),
    ('last_quarter', 1200, 0.30, 240.0, 0.49, false),
    ('overall_mean', 1200, 0.0, 390.0, null, false)
) as t (predictor, customers, r_squared, mean_absolute_error, rank_correlation, is_best);
"""

_CHECKS = """
create or replace table quality.rpt_check_results as
select
    'check_' || number as check_id, 'assert_' || number as check_name,
    ['dbt_test', 'expectation', 'landing_check'][1 + number % 3] as kind,
    'core.fct_orders' as table_name, null::varchar as column_name, 'select 1' as sql,
    '0 rows' as expected, '0 rows' as actual,
    case when number = 7 then 'warned' when number = 9 then 'skipped' else 'passed' end as status,
    case when number = 7 then 'warning' else 'error' end as severity,
    case when number = 7 then 3 else 0 end as failing_rows, null::varchar as examples
from range(40) as t (number);

create or replace table quality.rpt_drift as
with days as (
    select order_date as period_date, count(*) as orders, sum(gross_revenue) as gross_revenue
    from core.fct_orders
    group by order_date
),

figures as (
    select 'orders' as metric, period_date, cast(orders as double) as value from days
    union all
    select 'gross_revenue', period_date, cast(gross_revenue as double) from days
),

compared as (
    select *, median(value) over (
        partition by metric order by period_date rows between 28 preceding and 1 preceding
    ) as baseline
    from figures
)

select
    metric, 'total' as dimension_value, period_date, value, baseline,
    baseline * 0.4 as lower_limit, baseline * 1.8 as upper_limit,
    value not between baseline * 0.4 and baseline * 1.8 as is_outside,
    period_date = max(period_date) over () as is_latest, 8 as history_points
from compared
where baseline is not null;
"""


def complete_copy(marts_path: Path, folder: Path) -> Path:
    """A copy of published marts in which no table that the report can show is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(shutil.copy2(marts_path, folder / "marts.duckdb"))
    with duckdb.connect(str(path)) as con:
        con.execute(_CLUSTERS)
        con.execute(_CHECKS)
    return path

with customers as (

    select * from {{ ref('fct_customer_clusters') }}

),

features as (

    select * from {{ ref('int_cluster_features') }}

),

measured as (

    select
        customers.cluster_id
        {%- for feature in var('cluster_features') %},
        features.{{ feature }}
        {%- endfor %}
    from customers
    inner join features
        on customers.customer_id = features.customer_id

),

summarised as (

    select
        cluster_id
        {%- for feature in var('cluster_features') %}
        {%- set value = 'cast(' ~ feature ~ ' as double)' %},
        min({{ value }}) as minimum_{{ loop.index }},
        percentile_cont(0.25) within group (order by {{ value }})
            as lower_quartile_{{ loop.index }},
        percentile_cont(0.5) within group (order by {{ value }}) as median_{{ loop.index }},
        percentile_cont(0.75) within group (order by {{ value }})
            as upper_quartile_{{ loop.index }},
        max({{ value }}) as maximum_{{ loop.index }},
        {{ ratio('sum(' ~ feature ~ ')', 'count(*)') }} as mean_{{ loop.index }}
        {%- endfor %}
    from measured
    group by cluster_id

)
{% for feature in var('cluster_features') %}
select
    cluster_id,
    cast('{{ feature }}' as varchar) as feature,
    cast({{ loop.index }} as bigint) as feature_number,
    minimum_{{ loop.index }} as minimum,
    lower_quartile_{{ loop.index }} as lower_quartile,
    median_{{ loop.index }} as median,
    upper_quartile_{{ loop.index }} as upper_quartile,
    maximum_{{ loop.index }} as maximum,
    mean_{{ loop.index }} as mean
from summarised
{{- '\nunion all' if not loop.last }}
{%- endfor %}

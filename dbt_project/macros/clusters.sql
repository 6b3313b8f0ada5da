{#-
  Assignment of customers to the clusters of the learned model. Few clusters and few features: the
  centroids stand in one row, and every distance is an expression on it, so that a customer is read
  once whatever the number of clusters. Differences are squared and added up in the order of the
  features, from the first one on, as the model's own code does; a tie goes to the lowest number.
-#}

{#- A feature as a coordinate before scaling: a double, transformed as cluster_transform says. -#}
{% macro cluster_value(column) -%}
    {%- set number = 'cast(' ~ column ~ ' as double)' -%}
    {%- if var('cluster_transform') == 'log1p' -%}
        sign({{ number }}) * ln(1 + abs({{ number }}))
    {%- else -%}
        {{ number }}
    {%- endif -%}
{%- endmacro %}

{#- Numbers that clusters can have. -#}
{% macro cluster_numbers() -%}
    {{ return(range(1, [1, var('cluster_limit') | int] | max + 1) | list) }}
{%- endmacro %}

{#- Scaling and centroids in one row; all null while there is no model. centroids: relation with the
    columns of dim_cluster_centroids and cluster_number. -#}
{% macro cluster_centroid_row(centroids) %}
    select
        {%- for feature in range(1, var('cluster_features') | length + 1) %}
        max(case when feature_number = {{ feature }} then mean end) as mean_{{ feature }},
        max(case when feature_number = {{ feature }} then scale end) as scale_{{ feature }}
        {%- for cluster in cluster_numbers() %},
        max(case
            when feature_number = {{ feature }} and cluster_number = {{ cluster }}
                then center_scaled
        end) as center_{{ cluster }}_{{ feature }}
        {%- endfor %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ centroids }}
{%- endmacro %}

{#- Coordinates of customers: a select of a relation with the features, crossed with the row of
    centroids. columns: what else is kept of it. -#}
{% macro cluster_coordinates(customers, centroid_row, columns) %}
    select
        {%- for column in columns %}
        {{ customers }}.{{ column }},
        {%- endfor %}
        {%- for feature in var('cluster_features') %}
        ({{ cluster_value(customers ~ '.' ~ feature) }} - {{ centroid_row }}.mean_{{ loop.index }})
        / {{ centroid_row }}.scale_{{ loop.index }} as coordinate_{{ loop.index }},
        {%- endfor %}
        {{ centroid_row }}.*
    from {{ customers }}
    cross join {{ centroid_row }}
{%- endmacro %}

{#- Squared distance to each centroid; null for a number that the model does not have. -#}
{% macro cluster_squared_distances(coordinates, columns) %}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {%- for cluster in cluster_numbers() %}
            {%- for feature in range(1, var('cluster_features') | length + 1) %}
            {%- set difference = '(coordinate_' ~ feature ~ ' - center_' ~ cluster ~ '_' ~ feature
                ~ ')' %}
        {{ '+ ' if not loop.first }}{{ difference }} * {{ difference }}
            {%- endfor %} as squared_distance_{{ cluster }}
            {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ coordinates }}
{%- endmacro %}

{#- Number of the nearest cluster and the distance to it; null while there is no model. -#}
{% macro nearest_cluster(squared_distances, columns) %}
    {%- set nearest %}
            {%- if cluster_numbers() | length > 1 -%}
            least(
                {%- for cluster in cluster_numbers() -%}
                coalesce(squared_distance_{{ cluster }}, cast('Infinity' as double))
                {{- ', ' if not loop.last }}
                {%- endfor -%}
            )
            {%- else -%}
            squared_distance_1
            {%- endif -%}
    {%- endset %}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        case
            {%- for cluster in cluster_numbers() %}
            when squared_distance_{{ cluster }} = least_squared_distance then {{ cluster }}
            {%- endfor %}
        end as cluster_number,
        sqrt(least_squared_distance) as distance
    from (
        select
            *,
            {{ nearest }} as least_squared_distance
        from {{ squared_distances }}
    ) as measured
{%- endmacro %}

{#- Mean order value as a feature: 0 where nothing was ordered within the window. -#}
{% macro cluster_order_value(avg_order_value) -%}
    {{ money('coalesce(' ~ avg_order_value ~ ', 0)') }}
{%- endmacro %}

{#- The steps from a step with customers and their features to one named `assigned`: snapshot_date,
    customer_id, cluster_id, cluster_name and distance. -#}
{% macro cluster_assignment_steps(customers) -%}
{%- set kept = ['snapshot_date', 'customer_id'] -%}
clusters as (

    select * from {{ ref('dim_clusters') }}

),

centroids as (

    select
        centroids.*,
        numbered.cluster_number
    from {{ ref('dim_cluster_centroids') }} as centroids
    inner join {{ ref('dim_clusters') }} as numbered
        on centroids.cluster_id = numbered.cluster_id

),

centroid_row as (
    {{ cluster_centroid_row('centroids') }}

),

coordinates as (
    {{ cluster_coordinates(customers, 'centroid_row', kept) }}

),

squared_distances as (
    {{ cluster_squared_distances('coordinates', kept) }}

),

nearest as (
    {{ nearest_cluster('squared_distances', kept) }}

),

assigned as (

    select
        nearest.snapshot_date,
        nearest.customer_id,
        clusters.cluster_id,
        clusters.cluster_name,
        nearest.distance
    from nearest
    inner join clusters
        on nearest.cluster_number = clusters.cluster_number

)
{%- endmacro %}

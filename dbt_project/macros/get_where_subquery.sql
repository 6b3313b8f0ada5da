{#- What a test reads. In an incremental build that is what the build has put there (is_built_now).
    Three words in a test's `where` stand for conditions on views of customers and snapshots:
    `__last_snapshot__` for the date of the last snapshot, written out, as such a view is only quick
    for a date that is; `__sampled__` for every customer or, in a large shop, every 16th one by the
    id's hash; `__few__` for every customer or, in a large shop, one of them, where a view must be
    worked out whole for more. An incremental build of a large shop looks at few where a full one
    samples: the intervals that such a view follows from are tested for all that have changed. -#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- set built_now = is_built_now(relation) -%}
    {%- if built_now != 'true' -%}
        {%- do conditions.append(built_now) -%}
    {%- endif -%}
    {%- set where = config.get('where') -%}
    {%- if where -%}
        {%- if is_incremental_build() -%}
            {%- set where = where | replace('__sampled__', '__few__') -%}
        {%- endif -%}
        {%- if '__last_snapshot__' in where -%}
            {%- set snapshots = relation.incorporate(
                path={'schema': 'rfm', 'identifier': 'dim_snapshots'}
            ) -%}
            {%- set where = where | replace(
                '__last_snapshot__', date_literal(last_snapshots_of(snapshots)[1])
            ) -%}
        {%- endif -%}
        {%- set intervals = relation.incorporate(
            path={'schema': 'rfm', 'identifier': 'fct_rfm_intervals'}
        ) -%}
        {%- if '__sampled__' in where -%}
            {%- set where = where | replace('__sampled__', is_sampled('customer_id', intervals)) -%}
        {%- endif -%}
        {%- if '__few__' in where -%}
            {%- set where = where | replace('__few__', is_one_of_few('customer_id', intervals)) -%}
        {%- endif -%}
        {%- do conditions.append(where) -%}
    {%- endif -%}
    {%- if not conditions -%}
        {{ return(relation) }}
    {%- endif -%}
    {{ return(
        '(select * from ' ~ relation ~ ' where (' ~ conditions | join(') and (') ~ ')) as tested'
    ) }}
{%- endmacro %}

{#- Whether there are many intervals. -#}
{% macro is_large_shop(intervals) -%}
    {%- set found = [0] -%}
    {%- if execute and load_relation(intervals) is not none -%}
        {%- set found = run_query('select count(*) from ' ~ intervals).rows[0] -%}
    {%- endif -%}
    {{ return(found[0] > 1000000) }}
{%- endmacro %}

{#- Condition: every customer, or every 16th where there are many intervals. -#}
{% macro is_sampled(column, intervals) -%}
    {{ return(row_hash([column]) ~ ' % 16 = 0' if is_large_shop(intervals) else 'true') }}
{%- endmacro %}

{#- Condition: every customer, or the first by id where there are many intervals. -#}
{% macro is_one_of_few(column, intervals) -%}
    {%- if not is_large_shop(intervals) -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set first = run_query('select min(' ~ column ~ ') from ' ~ intervals).rows[0][0] -%}
    {{ return(column ~ " = '" ~ (first | replace("'", "''")) ~ "'") }}
{%- endmacro %}

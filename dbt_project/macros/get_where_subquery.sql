{#- What a test with a `where` reads. Two words in it stand for conditions on views of customers and
    snapshots: `__last_snapshot__` for the date of the last snapshot, written out, as such a view is
    only quick for a date that is; `__sampled__` for every customer or, in a large shop, every 16th
    one by the id's hash. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if not where -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- if '__last_snapshot__' in where -%}
        {%- set snapshots = relation.incorporate(path={'identifier': 'dim_snapshots'}) -%}
        {%- set where = where | replace(
            '__last_snapshot__', date_literal(last_snapshots_of(snapshots)[1])
        ) -%}
    {%- endif -%}
    {%- if '__sampled__' in where -%}
        {%- set intervals = relation.incorporate(path={'identifier': 'fct_rfm_intervals'}) -%}
        {%- set where = where | replace('__sampled__', is_sampled('customer_id', intervals)) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
{%- endmacro %}

{#- Condition: every customer, or every 16th where there are many intervals. -#}
{% macro is_sampled(column, intervals) -%}
    {%- set count = 0 -%}
    {%- if execute and load_relation(intervals) is not none -%}
        {%- set count = run_query('select count(*) from ' ~ intervals).rows[0][0] -%}
    {%- endif -%}
    {{ return(row_hash([column]) ~ ' % 16 = 0' if count > 1000000 else 'true') }}
{%- endmacro %}

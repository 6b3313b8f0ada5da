{#- What a test with a `where` reads. Three words in it stand for conditions on views of customers
    and snapshots: `__last_snapshot__` for the date of the last snapshot, written out, as such a view
    is only quick for a date that is; `__sampled__` for every customer or, in a large shop, every
    16th one by the id's hash; `__few__` for every customer or, in a large shop, one of them, where a
    view must be worked out whole for more. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if not where -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- if '__last_snapshot__' in where -%}
        {%- set snapshots = relation.incorporate(
            path={'schema': 'rfm', 'identifier': 'dim_snapshots'}
        ) -%}
        {%- set where = where | replace(
            '__last_snapshot__', date_literal(last_snapshots_of(snapshots)[1])
        ) -%}
    {%- endif -%}
    {%- if '__sampled__' in where -%}
        {%- set intervals = relation.incorporate(path={'identifier': 'fct_rfm_intervals'}) -%}
        {%- set where = where | replace('__sampled__', is_sampled('customer_id', intervals)) -%}
    {%- endif -%}
    {%- if '__few__' in where -%}
        {%- set intervals = relation.incorporate(path={'identifier': 'fct_rfm_intervals'}) -%}
        {%- set where = where | replace('__few__', is_one_of_few('customer_id', intervals)) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
{%- endmacro %}

{#- Whether there are many intervals, and the first customer's id. -#}
{% macro size_of_shop(intervals) -%}
    {%- set found = [0, none] -%}
    {%- if execute and load_relation(intervals) is not none -%}
        {%- set found = run_query(
            'select count(*), min(customer_id) from ' ~ intervals
        ).rows[0] -%}
    {%- endif -%}
    {{ return([found[0] > 1000000, found[1]]) }}
{%- endmacro %}

{#- Condition: every customer, or every 16th where there are many intervals. -#}
{% macro is_sampled(column, intervals) -%}
    {{ return(row_hash([column]) ~ ' % 16 = 0' if size_of_shop(intervals)[0] else 'true') }}
{%- endmacro %}

{#- Condition: every customer, or one where there are many intervals. -#}
{% macro is_one_of_few(column, intervals) -%}
    {%- set size = size_of_shop(intervals) -%}
    {{ return(column ~ " = '" ~ (size[1] | replace("'", "''")) ~ "'" if size[0] else 'true') }}
{%- endmacro %}

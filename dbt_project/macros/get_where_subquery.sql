{#- What a test with a `where` reads. In it `__last_snapshot__` stands for the date of the last
    snapshot, written out: a view over all snapshots is only quick for a date that is. -#}
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
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
{%- endmacro %}

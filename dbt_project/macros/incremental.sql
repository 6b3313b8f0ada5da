{#-
  Two ways to the same tables. A full build computes every row. An incremental build computes the
  rows of the customers and orders whose input has changed since the last publication, which stand
  in schema `changes` (written before dbt starts, hence no dbt source), and puts them in place of
  the rows that were there. Everything that is matched or numbered stays within one customer and
  one order, so that the lines of the touched ones, taken alone, give the rows that all lines would
  give.
-#}

{#- Whether this build starts from the last publication; false while the project is parsed. -#}
{% macro is_incremental_build() -%}
    {{ return(execute and env_var('CUSTOMER_VALUE_BUILD', 'full') == 'incremental') }}
{%- endmacro %}

{#- Condition: true in a full build and false in an incremental one. -#}
{% macro is_full_build() -%}
    {{ return('false' if is_incremental_build() else 'true') }}
{%- endmacro %}

{#- Condition: in an incremental build, rows of what has changed; in a full one, every row.
    key: 'order_id' or 'customer_id'; column: where it stands, when it has another name; among: a
    table of schema `changes`, when it is not the one of the touched orders or customers. -#}
{% macro is_touched(key, column=none, among=none) -%}
    {%- set table = among or 'touched_' ~ key | replace('_id', 's') -%}
    {%- if is_incremental_build() -%}
        {{ column or key }} in (select touched.{{ key }} from changes.{{ table }} as touched)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Orders and order lines that a build has put into core, for models that need no others: in an
    incremental build there is a table of them, which takes no look at all the others. -#}
{% macro built_orders() -%}
    {%- set all_orders, rebuilt = ref('fct_orders'), ref('int_rebuilt_orders') -%}
    {{ return(rebuilt if is_incremental_build() else all_orders) }}
{%- endmacro %}

{% macro built_order_lines() -%}
    {%- set all_lines, rebuilt = ref('fct_order_lines'), ref('int_rebuilt_order_lines') -%}
    {{ return(rebuilt if is_incremental_build() else all_lines) }}
{%- endmacro %}

{#- Pre-hook of a table that keeps the rows of what has not changed; arguments as above. -#}
{% macro remove_touched(key, column=none, among=none) -%}
    {%- set condition = is_touched(key, column, among) -%}
    {%- if is_incremental_build() -%}
        delete from {{ this }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{#- Condition: in an incremental build, snapshots that the changed rows can be seen from; in a full
    one, all. A snapshot uses rows dated up to it, so that earlier ones stay as they are. -#}
{% macro is_snapshot_touched(column) -%}
    {%- if is_incremental_build() -%}
        {{ column }} >= {{ changed_date('changed_from') }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of a table that keeps the rows of months that have not changed. -#}
{% macro remove_touched_months(column) -%}
    {%- set condition = is_month_touched(column) -%}
    {%- if is_incremental_build() -%}
        delete from {{ this }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{#- The same for months: those that the changed rows can be seen in, and those that were not closed
    when the last publication was made. -#}
{% macro is_month_touched(column) -%}
    {%- if is_incremental_build() -%}
        {{ column }} >= {{ changed_date('changed_month') }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- A date of the changed period, written out where it is known: tables and views skip what lies
    before a date that they can see. Null where nothing is dated. -#}
{% macro changed_date(name) -%}
    {%- set is_known = run_query(
        "select count(*) from information_schema.tables where table_schema = 'changes'"
        ~ " and table_name = 'changed_period'"
    ).rows[0][0] -%}
    {%- if not is_known -%}
        {{ return('(select period.' ~ name ~ ' from changes.changed_period as period)') }}
    {%- endif -%}
    {%- set found = run_query('select ' ~ name ~ ' from changes.changed_period').rows -%}
    {{ return(date_literal(found[0][0] if found else none)) }}
{%- endmacro %}

{#- Condition: the rows of a model that this build has put there, as far as its keys tell; `true` for
    what is built whole. Rows that were there before were tested when they were put there. -#}
{% macro is_built_now(model) -%}
    {%- if is_incremental_build() -%}
        {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', model.identifier)
            | selectattr('config.materialized', 'equalto', 'incremental') | list -%}
        {%- set columns = nodes[0].columns if nodes else [] -%}
        {%- if 'order_id' in columns -%}
            {{ return(is_touched('order_id')) }}
        {%- elif 'cancelling_order_id' in columns -%}
            {{ return(is_touched('order_id', 'cancelling_order_id')) }}
        {%- elif 'customer_id' in columns -%}
            {{ return(is_touched('customer_id', among='touched_registrations')) }}
        {%- endif -%}
    {%- endif -%}
    {{ return('true') }}
{%- endmacro %}

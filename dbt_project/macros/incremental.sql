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
        {{ column }} >= (select period.changed_from from changes.changed_period as period)
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
        {{ column }} >= (
            select period.changed_month from changes.changed_period as period
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Condition: the rows of a model that this build has put there, as far as its key tells. -#}
{% macro is_built_now(model, columns) -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('name', 'equalto', model.identifier) | list if execute else [] -%}
    {%- if nodes and nodes[0].config.materialized == 'incremental' and 'order_id' in columns -%}
        {{ is_touched('order_id') }}
    {%- elif nodes and nodes[0].config.materialized == 'incremental' and 'customer_id' in columns -%}
        {{ is_touched('customer_id', among='touched_registrations') }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

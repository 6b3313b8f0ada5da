{#-
  Corrections of landed data: what may be corrected, and how a value that a person wrote becomes
  the value of a column. Which correction is in force for which record stands in
  base_correction_effects; staging puts the values in place.
-#}

{#- Every column of the datasets that can be corrected: dataset, column, kind, use and, where there
    are some, accepted values or bounds of a number. Use is 'key' (stays as it is), 'required' or
    'optional' (may be emptied). It says what orchestration/landing/contract.py says; a test
    compares the two. -#}
{% macro contract_columns() -%}
    {%- set pieces = {'minimum': -1000000000, 'maximum': 1000000000} -%}
    {%- set amount = {'minimum': 0, 'maximum': '999999999.9999'} -%}
    {%- set seconds = {'minimum': 0, 'maximum': 1000000000} -%}
    {%- set statuses = {'accepted': ['completed', 'cancellation', 'refunded']} -%}
    {%- set event_types = {
        'accepted': ['view', 'click', 'cart', 'fav', 'order', 'payment', 'review'],
    } -%}
    {{ return([
        ('order_lines', 'order_id', 'id', 'key', {}),
        ('order_lines', 'line_number', 'whole', 'key', {'minimum': 0, 'maximum': 1000000000}),
        ('order_lines', 'product_id', 'id', 'required', {}),
        ('order_lines', 'ordered_at', 'timestamp', 'required', {}),
        ('order_lines', 'quantity', 'whole', 'required', pieces),
        ('order_lines', 'unit_price', 'money', 'required', amount),
        ('order_lines', 'customer_id', 'id', 'optional', {}),
        ('order_lines', 'product_name', 'text', 'optional', {}),
        ('order_lines', 'country', 'text', 'optional', {}),
        ('order_lines', 'channel', 'text', 'optional', {}),
        ('order_lines', 'platform', 'text', 'optional', {}),
        ('order_lines', 'discount_amount', 'money', 'optional', amount),
        ('order_lines', 'paid_amount', 'money', 'optional', amount),
        ('order_lines', 'paid_at', 'timestamp', 'optional', {}),
        ('order_lines', 'status', 'text', 'optional', statuses),
        ('order_lines', 'currency', 'text', 'optional', {}),
        ('customers', 'customer_id', 'id', 'key', {}),
        ('customers', 'registered_at', 'timestamp', 'optional', {}),
        ('customers', 'region', 'text', 'optional', {}),
        ('customers', 'email_hash', 'text', 'optional', {}),
        ('customers', 'phone_hash', 'text', 'optional', {}),
        ('products', 'product_id', 'id', 'key', {}),
        ('products', 'product_name', 'text', 'optional', {}),
        ('products', 'category', 'text', 'optional', {}),
        ('products', 'list_price', 'money', 'optional', amount),
        ('events', 'event_id', 'id', 'key', {}),
        ('events', 'customer_id', 'id', 'required', {}),
        ('events', 'event_type', 'text', 'required', event_types),
        ('events', 'product_id', 'id', 'required', {}),
        ('events', 'occurred_at', 'timestamp', 'required', {}),
        ('events', 'session_id', 'id', 'optional', {}),
        ('events', 'category', 'text', 'optional', {}),
        ('events', 'dwell_seconds', 'number', 'optional', seconds),
        ('campaigns', 'campaign_id', 'id', 'key', {}),
        ('campaigns', 'campaign_name', 'text', 'required', {}),
        ('campaigns', 'starts_at', 'timestamp', 'required', {}),
        ('campaigns', 'ends_at', 'timestamp', 'required', {}),
        ('campaigns', 'campaign_type', 'text', 'optional', {}),
        ('coupon_sends', 'send_id', 'id', 'key', {}),
        ('coupon_sends', 'campaign_id', 'id', 'required', {}),
        ('coupon_sends', 'customer_id', 'id', 'required', {}),
        ('coupon_sends', 'sent_at', 'timestamp', 'required', {}),
        ('coupon_sends', 'expires_at', 'timestamp', 'required', {}),
        ('coupon_sends', 'discount_amount', 'money', 'required', amount),
        ('coupon_sends', 'agent_id', 'id', 'optional', {}),
        ('coupon_sends', 'product_id', 'id', 'optional', {}),
        ('coupon_redemptions', 'redemption_id', 'id', 'key', {}),
        ('coupon_redemptions', 'send_id', 'id', 'required', {}),
        ('coupon_redemptions', 'redeemed_at', 'timestamp', 'required', {}),
        ('coupon_redemptions', 'paid_amount', 'money', 'required', amount),
        ('coupon_redemptions', 'order_id', 'id', 'optional', {}),
        ('coupon_redemptions', 'discount_amount', 'money', 'optional', amount),
        ('agents', 'agent_id', 'id', 'key', {}),
        ('agents', 'agent_name', 'text', 'required', {}),
        ('agents', 'shop', 'text', 'optional', {}),
    ]) }}
{%- endmacro %}

{#- Columns of one dataset, as contract_columns gives them: those of its key, or all others. -#}
{% macro columns_of_dataset(dataset, is_key) -%}
    {%- set found = [] -%}
    {%- for column in contract_columns() -%}
        {%- if column[0] == dataset and (column[3] == 'key') == is_key -%}
            {%- do found.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Datasets whose records are named by one column, with that column. -#}
{% macro datasets_with_one_key() -%}
    {%- set found = [] -%}
    {%- for column in contract_columns() -%}
        {%- if column[3] == 'key' and column[0] != 'order_lines' -%}
            {%- do found.append((column[0], column[1])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Rows of contract_columns as a relation. -#}
{% macro contract_columns_relation() -%}
    select
        dataset,
        column_name,
        kind,
        column_use,
        accepted_values,
        cast(minimum as decimal(18, 4)) as minimum,
        cast(maximum as decimal(18, 4)) as maximum
    from (values
        {%- for dataset, column, kind, use, limits in contract_columns() %}
        (
            '{{ dataset }}', '{{ column }}', '{{ kind }}', '{{ use }}',
            '{{ limits.get("accepted", []) | join(", ") }}',
            {{ limits.get('minimum', 'null') }}, {{ limits.get('maximum', 'null') }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as contract (
        dataset, column_name, kind, column_use, accepted_values, minimum, maximum
    )
{%- endmacro %}

{#- Datasets that can be corrected, with the columns of their key and the others, as texts. -#}
{% macro correctable_datasets_relation() -%}
    select
        dataset,
        key_name,
        settable_columns
    from (values
        {%- for dataset in contract_columns() | map(attribute=0) | unique %}
        (
            '{{ dataset }}',
            '{{ columns_of_dataset(dataset, is_key=true) | map(attribute=1) | join("/") }}',
            '{{ columns_of_dataset(dataset, is_key=false) | map(attribute=1) | join(", ") }}'
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as contract (dataset, key_name, settable_columns)
{%- endmacro %}

{#- The value of a text that a person wrote, null where it is none of that kind; landing reads the
    texts of files by the same rules, and times without an offset as UTC. -#}
{% macro value_of_text(text, kind) -%}
    {%- set plain = "case when position('_' in " ~ text ~ ") = 0 then " ~ text ~ " end" -%}
    {%- if kind == 'id' -%}
        {{ normalise_id(text) }}
    {%- elif kind == 'timestamp' -%}
        {{ utc_timestamp(text) }}
    {%- elif kind == 'money' -%}
        {{ cast_or_null(plain, 'decimal(18, 4)') }}
    {%- elif kind == 'number' -%}
        {{ cast_or_null(plain, 'double') }}
    {%- elif kind == 'whole' -%}
        {%- set number = cast_or_null(plain, 'double') -%}
        case when {{ number }} = floor({{ number }}) then {{ cast_or_null(number, 'bigint') }} end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}

{#-
  Records of a dataset with their corrections in place. records and corrections are names of CTEs:
  the records with the contract's columns, and the corrections in force. Emits the CTEs
  correction_values and corrected; key is the record's key as corrections name it, and kept are
  columns of the records that pass as they are.
-#}
{% macro corrected_records(dataset, key, kept, records='source', corrections='corrections') -%}
{%- set columns = columns_of_dataset(dataset, is_key=false) -%}
correction_values as (

    select
        corrected_key,
        max(case when action = 'delete' then 1 else 0 end) as is_deleted
        {%- for _, column, kind, _, limits in columns %},
        max(case when column_name = '{{ column }}' then 1 else 0 end) as sets_{{ column }},
        max(case when column_name = '{{ column }}' then
            {{- ' lower(column_value)' if limits.accepted else ' column_value' }} end)
            as {{ column }}
        {%- endfor %}
    from {{ corrections }}
    group by corrected_key

),

corrected as (

    select
        {%- for column in kept %}
        {{ records }}.{{ column }},
        {%- endfor %}
        {%- for _, column, kind, _, _ in columns %}
        case
            when correction_values.sets_{{ column }} = 1
                then {{ value_of_text('correction_values.' ~ column, kind) }}
            else {{ records }}.{{ column }}
        end as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ records }}
    left join correction_values
        on {{ key }} = correction_values.corrected_key
    where coalesce(correction_values.is_deleted, 0) = 0

)
{%- endmacro %}

-- The lines that can be duplicates, compared in full: what is left of them, or all of them when
-- duplicates are kept.

with order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where order_date <= (select period.as_of_date from {{ ref('int_reporting_period') }} as period)

),

repeated_hashes as (

    select * from {{ ref('int_repeated_line_hashes') }}

),

kept as (

    select {{ 'distinct' if var('deduplicate_lines') }}
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from order_lines
    where
        {{ order_line_hash() }} in (
            select repeated_hashes.line_hash from repeated_hashes
        )

)

select * from kept

"""Codes of published tables in the words of readers.

Belongs here: names, in both languages, of codes that a reading speaks of. Does not belong here:
names that stand in a published table (segments, clusters), and the readings.
"""

from collections.abc import Mapping
from typing import Any

from orchestration.publishing.report.exhibits import Words, words

#: Figures that are watched (``quality.rpt_drift``) and restated (``quality.rpt_restatements``).
METRICS: dict[str, Words] = {
    "orders": words("orders", "订单数"),
    "buyers": words("buyers", "购买客户数"),
    "units": words("units", "件数"),
    "gross_revenue": words("gross revenue", "总收入"),
    "returned_revenue": words("returned revenue", "退货金额"),
    "discount_revenue": words("discounts", "折扣金额"),
    "net_revenue": words("net revenue", "净收入"),
    "revenue": words("revenue", "收入"),
    "new": words("new customers", "新客数"),
    "active": words("active customers", "活跃客户数"),
    "reactivated": words("reactivated customers", "回流客户数"),
    "inactive": words("inactive customers", "不活跃客户数"),
    "newly_lapsed": words("newly lapsed customers", "新流失客户数"),
    "customers": words("customers", "客户数"),
    "prospects": words("prospects", "潜在客户数"),
    "repeat_buyers": words("buyers with more than one order", "多次下单客户数"),
    "unknown_customer_share": words("share of unknown customers", "未知客户占比"),
    "rejected_share": words("share of rejected rows", "被拒绝行占比"),
    "segment_share": words("share of a segment", "分层占比"),
}

#: Why a closed month was changed.
CAUSES: dict[str, Words] = {
    "late_order": words("a late order", "迟到的订单"),
    "late_return": words("a late return", "迟到的退货"),
    "changed_file": words("a changed file", "文件变更"),
    "correction": words("a correction", "人工更正"),
    "changed_registrations": words("changed registrations", "注册信息变更"),
    "changed_setting": words("a changed setting", "设置变更"),
    "changed_code": words("changed code", "代码变更"),
}

#: What next quarter's revenue is foretold by.
PREDICTORS: dict[str, Words] = {
    "clusters": words("the clusters", "聚类"),
    "rfm_quintile": words("the segments by quintiles", "五等分分层"),
    "rfm_mean_split": words("the groups high or low", "高低二分群组"),
    "rfm_fixed_bands": words("the tiers of fixed bands", "固定区间层级"),
    "last_quarter": words("the customer's own last quarter", "客户自身上一季度的收入"),
    "overall_mean": words("the mean of all customers", "全体客户的均值"),
}

#: Why rows of files could not be used.
REJECT_REASONS: dict[str, Words] = {
    "missing_value": words("missing value", "缺少值"),
    "not_a_number": words("not a number", "不是数字"),
    "not_a_whole_number": words("not a whole number", "不是整数"),
    "number_out_of_range": words("number out of range", "数字超出范围"),
    "amount_out_of_range": words("amount out of range", "金额超出范围"),
    "not_a_timestamp": words("not a date or time", "不是日期或时间"),
    "date_out_of_range": words("date out of range", "日期超出范围"),
    "unknown_value": words("unknown value", "未知的取值"),
    "not_an_email": words("not an e-mail address", "不是电子邮箱"),
    "not_a_phone_number": words("not a phone number", "不是电话号码"),
    "not_a_hash": words("not a hash", "不是哈希值"),
    "nul_character": words("NUL characters", "含 NUL 字符"),
    "invalid_json": words("not a JSON object", "不是 JSON 对象"),
    "too_many_columns": words("too many columns", "列过多"),
    "too_few_columns": words("too few columns", "列过少"),
    "invalid_encoding": words("wrong encoding", "编码错误"),
    "broken_quotes": words("broken quotes", "引号错误"),
    "line_too_long": words("line too long", "行过长"),
    "unreadable_line": words("unreadable line", "无法读取的行"),
}


def named(names: Mapping[str, Words], code: Any) -> Words:
    """The words for a code; for one without words the code itself, as words."""
    plain = str(code).replace("_", " ")
    return names.get(str(code), words(plain, plain))
